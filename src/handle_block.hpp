// The state that all handles of one connection share, or all handles of one datagram peer.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <evio/address.hpp>
#include <evio/handle.hpp>
#include <memory>
#include <mutex>
#include <optional>

#include "backend/driver.hpp"
#include "task_queue.hpp"

namespace evio { inline namespace v0 { namespace detail {

struct SendTask;
struct InlineSend;

// Whether `memory`, which many small sends take in addition to their bytes, is too much for a limit
// of output_max. Without this check very small sends could use far more memory than the limit.
constexpr bool costs_more(std::size_t memory, std::size_t output_max) noexcept {
  return memory > std::max<std::size_t>(output_max, 64 << 10);
}

// Lives as long as any of its handles. It owns a share of the task queue, not of the loop, so a
// handle may outlive the server. Any thread may call it, except where stated.
class HandleBlock : public std::enable_shared_from_this<HandleBlock> {
 public:
  struct Peer {  // for handles of datagrams
    UdpSocketId socket;
    Address local, remote;
  };

  HandleBlock(std::shared_ptr<TaskQueue> tasks, StreamId stream, std::uint64_t id,
              std::size_t output_max) noexcept
      : tasks_(std::move(tasks)), stream_(stream), id_(id), output_max_(output_max) {}
  HandleBlock(std::shared_ptr<TaskQueue> tasks, Peer peer, std::size_t output_max)
      : tasks_(std::move(tasks)),
        stream_{},
        id_(0),
        output_max_(output_max),
        peer_(std::move(peer)) {}

  static Handle handle(std::shared_ptr<HandleBlock> block) noexcept {
    return Handle(std::move(block));
  }

  // The functions of the public Handle: see evio/handle.hpp. Each pushes a task. They return false
  // if the connection has ended for sure; true does not promise that it still exists.
  bool send(std::string_view bytes);
  bool send(SharedBytes bytes, Callback<void(std::error_code)> done = {});
  bool post(Callback<void(Conn&)> fn);
  void close();
  void wake() noexcept;
  bool gone() const noexcept { return gone_.load(std::memory_order_acquire); }
  const std::optional<Peer>& peer() const noexcept { return peer_; }
  std::uint64_t id() const noexcept { return id_; }
  StreamId stream() const noexcept { return stream_; }
  std::size_t on_the_way() const noexcept { return on_the_way_.load(std::memory_order_relaxed); }
  std::size_t pending() const noexcept {
    return gone() ? 0 : on_the_way() + queued_.load(std::memory_order_relaxed);
  }
  TaskQueue& tasks() const noexcept { return *tasks_; }

  // The loop's thread only.
  void set_stream(StreamId stream) noexcept { stream_ = stream; }
  // A send, or a wake, has left the queue, whether it was run or dropped.
  void arrived(const SendTask& task) noexcept;
  void wake_arrived() noexcept;
  void set_queued(std::size_t bytes) noexcept { queued_.store(bytes, std::memory_order_relaxed); }
  // The connection has ended. From now on sends and posts fail at once.
  void mark_gone() noexcept { gone_.store(true, std::memory_order_release); }

  friend bool same(const HandleBlock& a, const HandleBlock& b) noexcept;

 private:
  enum class Lost { nothing, overflow, memory };

  // Ends the connection. A member of the block, so that sending it allocates nothing: it also
  // reports a lack of memory.
  struct EndTask final : Task {
    void run_on(LoopCore& loop) override;
    void done() noexcept override;

    std::shared_ptr<HandleBlock> alive;  // keeps the block alive while the task is queued
  };

  bool room_for(std::size_t bytes, std::size_t cost) const noexcept;
  void lose(Lost why) noexcept;
  void count(std::size_t bytes, std::size_t cost) noexcept;
  bool drop(std::unique_lock<std::mutex> lock) noexcept;
  bool send_text(std::string_view bytes);
  bool send_buffer(SharedBytes bytes, Callback<void(std::error_code)> done);
  bool send_datagram(SharedBytes bytes);
  bool push(TaskPointer task);
  template <class Made>
  bool push_counted(std::unique_ptr<Made> task);

  const std::shared_ptr<TaskQueue> tasks_;
  StreamId stream_;
  const std::uint64_t id_;
  const std::size_t output_max_;
  const std::optional<Peer> peer_;

  // Protects the members that follow, up to end_task_. Atomic ones may be read without it.
  std::mutex mutex_;
  // The task of the last small send. Further sends are added to it as long as it is the newest one
  // in the queue.
  InlineSend* open_ = nullptr;
  std::size_t cost_ = 0;                    // memory of queued sends
  std::size_t wakes_ = 0;                   // queued wakes
  std::uint64_t calls_before_wake_ = 0;     // TaskQueue::calls() at the last wake
  std::atomic<std::size_t> on_the_way_{0};  // bytes of queued sends
  // If a send was lost, all later ones are dropped, too: the peer must never see a gap.
  Lost lost_ = Lost::nothing;
  EndTask end_task_;
  std::atomic<std::size_t> queued_{0};  // bytes in the connection's output queue
  std::atomic<bool> gone_{false};
};

}}}  // namespace evio::v0::detail
