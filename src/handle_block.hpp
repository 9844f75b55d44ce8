// Private. What the handles of one connection, or of one datagram's sender, share.
#pragma once

#include <atomic>
#include <cstdint>
#include <evio/address.hpp>
#include <evio/handle.hpp>
#include <memory>
#include <optional>

#include "backend/driver.hpp"
#include "mailbox.hpp"

namespace evio::inline v1 {

// Lives as long as any handle; holds the mailbox, not the loop. Any thread.
class HandleBlock : public std::enable_shared_from_this<HandleBlock> {
 public:
  struct Peer {  // of a datagram
    DatagramSocket socket;
    Address local, remote;
  };

  HandleBlock(std::shared_ptr<Mailbox> mailbox, Stream stream, std::uint64_t id, std::size_t output_max) noexcept
      : mailbox_(std::move(mailbox)), stream_(stream), id_(id), output_max_(output_max) {}
  HandleBlock(std::shared_ptr<Mailbox> mailbox, Peer peer)
      : mailbox_(std::move(mailbox)), stream_{}, id_(0), output_max_(0), peer_(std::move(peer)) {}

  static Handle handle(std::shared_ptr<HandleBlock> block) noexcept { return Handle(std::move(block)); }

  bool send(std::string_view bytes);
  bool send(Buffer bytes, Handler<void(std::error_code)> done = {});
  bool push(std::unique_ptr<Mail> mail);

  bool gone() const noexcept { return gone_.load(std::memory_order_acquire); }
  const std::optional<Peer>& peer() const noexcept { return peer_; }
  std::uint64_t id() const noexcept { return id_; }
  Stream stream() const noexcept { return stream_; }
  std::size_t on_the_way() const noexcept { return on_the_way_.load(std::memory_order_relaxed); }
  std::size_t pending() const noexcept { return gone() ? 0 : on_the_way() + queued_.load(std::memory_order_relaxed); }

  // The loop's thread.
  void set_stream(Stream stream) noexcept { stream_ = stream; }
  void arrived(std::size_t bytes) noexcept { on_the_way_.fetch_sub(bytes, std::memory_order_relaxed); }
  void set_queued(std::size_t bytes) noexcept { queued_.store(bytes, std::memory_order_relaxed); }
  void mark_gone() noexcept { gone_.store(true, std::memory_order_release); }

  friend bool same(const HandleBlock& a, const HandleBlock& b) noexcept;

 private:
  bool reserve(std::size_t bytes) noexcept;

  const std::shared_ptr<Mailbox> mailbox_;
  Stream stream_;
  const std::uint64_t id_;
  const std::size_t output_max_;
  const std::optional<Peer> peer_;
  std::atomic<std::size_t> on_the_way_{0};  // bytes sent that the loop has not seen
  std::atomic<std::size_t> queued_{0};      // bytes in the connection's output
  std::atomic<bool> overflowed_{false};     // everything sent from now on is dropped, so that there is no gap
  std::atomic<bool> gone_{false};
};

}  // namespace evio::inline v1
