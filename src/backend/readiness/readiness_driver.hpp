// The driver for kernel interfaces that report readiness: the common part of epoll, kqueue and
// poll.
#pragma once

#include <memory>
#include <vector>

#include "backend/driver.hpp"
#include "backend/posix/connect_attempts.hpp"
#include "backend/posix/datagram_ports.hpp"
#include "backend/posix/io.hpp"
#include "backend/posix/listeners.hpp"
#include "backend/posix/process.hpp"
#include "backend/posix/waker.hpp"
#include "backend/posix/watched.hpp"
#include "backend/readiness/selector.hpp"
#include "backend/slots.hpp"
#include "slab.hpp"

namespace evio { inline namespace v0 { namespace detail {

class ReadinessDriver final : public Driver {
 public:
  ReadinessDriver(Sink& sink, EventFd& waker, std::unique_ptr<Selector> selector);
  ~ReadinessDriver() override;

  void accept_from(ListenerId listener, NativeSocket socket) override;
  void set_accepting(ListenerId listener, bool accepting) override;
  void close_listener(ListenerId listener) override;
  void bind_datagram(UdpSocketId socket, NativeSocket native) override;
  bool send_to(UdpSocketId socket, const Datagram& datagram) override;
  void close_datagram(UdpSocketId socket) override;
  std::error_code set_options(UdpSocketId socket, const Options& options) override;
  Address local_address(UdpSocketId socket) override;
  NativeSocket native(UdpSocketId socket) override { return {ports_.fd(socket)}; }
  void connect(ConnectId id, const Address& to, const Options& options) override;
  void cancel(ConnectId id) override;
  std::error_code watch(WatchId name, NativeSocket descriptor, Interest interest) override;
  void unwatch(WatchId name) override;
  NativeSocket pollable() override { return {selector_->fd()}; }
  void open(StreamId stream, NativeSocket socket) override;
  std::size_t send_now(StreamId stream, std::span<const Chunk> chunks) override;
  std::size_t send(StreamId stream, std::span<const Chunk> chunks) override;
  void set_receiving(StreamId stream, bool receiving) override;
  void shutdown_send(StreamId stream) override;
  bool is_drained(StreamId stream) override;
  void detach(StreamId stream) override;
  void close(StreamId stream, CloseMode mode) override;
  std::error_code set_options(StreamId stream, const Options& options) override;
  Address local_address(StreamId stream) override;
  NativeSocket native(StreamId stream) override;
  bool is_copy() const noexcept override { return !maker_.is_this_process(); }
  Duration now() override;
  PollResult poll(Duration deadline) override;

 private:
  static constexpr std::uint32_t none = Slab<int>::none;

  // The record of a stream: 16 bytes. The registration (watched, watched_read, watched_write) is
  // updated before the next wait only, so that turning reading off and on within one batch costs no
  // system call.
  struct Slot {
    int fd = -1;
    std::uint32_t generation = 0;
    std::uint32_t pending = none;  // the send in flight
    bool receiving : 1 = false;
    bool blocked : 1 = false;  // the kernel's send buffer is full; not writable yet
    bool watched : 1 = false;
    bool watched_read : 1 = false;
    bool watched_write : 1 = false;
    bool hung_up : 1 = false;      // without an error: registered only if something is wanted
    bool changed : 1 = false;      // it is in changed_
    bool closing : 1 = false;      // it is in closing_
    std::uint32_t forks : 24 = 0;  // see NativeSocket
  };
  static_assert(sizeof(Slot) == 16);
  struct Leaving {  // a stream that closes or is detached
    StreamId stream;
    bool detached = false;
    int error = 0;
  };
  enum class Kind : std::uint64_t { stream, listener, id, datagram, watch, waker };

  static std::uint64_t key(Kind kind, std::uint32_t index, std::uint32_t generation) noexcept;
  static Kind kind_of(std::uint64_t key) noexcept;
  Slot& slot(StreamId stream) noexcept { return slots_[static_cast<std::uint32_t>(stream)]; }
  bool alive(StreamId stream, std::uint32_t generation) noexcept;
  Wanted wanted(const Slot& slot) const noexcept;
  void change(StreamId stream);
  void apply_changes();
  void begin_close(StreamId stream, Leaving how);
  bool finish_closing();
  void show_rest(StreamId stream);

  void dispatch(const Ready& ready);
  void stream_ready(StreamId stream, std::uint32_t generation, const Ready& ready);
  void write_more(StreamId stream);
  void read_some(StreamId stream);
  void hung_up(StreamId stream);
  void watch_listener(ListenerId listener);
  void watch_socket(std::uint64_t key);
  void watch_unwatched();

  const Maker maker_{};
  Sink& sink_;
  EventFd& waker_;
  const std::unique_ptr<Selector> selector_;
  const std::unique_ptr<char[]> buffer_;  // received bytes, during the up call
  bool drain_waker_ = false;
  Slots<Slot> slots_;
  Slab<std::span<const Chunk>> pending_;
  std::vector<StreamId> changed_;
  std::vector<Leaving> closing_, closing_now_;
  // Keys of listeners and datagram sockets that could not be registered.
  std::vector<std::uint64_t> unwatched_;
  Listeners listeners_;
  ConnectAttempts connects_;
  Watched watched_;
  DatagramPorts ports_;
};

}}}  // namespace evio::v0::detail
