// A driver that stands in for a completion kernel such as io_uring, at its most unhelpful;
// it checks its user too.
//
// No send is done at once, each may end after a part. Receives that were stopped bring more.
// Closing and detaching wait for what is under way. Whatever can be any later is any later. All
// of it by seed, over real sockets.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "asynchronous_stream.hpp"
#include "backend/platform.hpp"
#include "backend/posix/datagram_receiver.hpp"
#include "backend/posix/datagram_sender.hpp"
#include "backend/posix/io.hpp"
#include "backend/posix/waker.hpp"

namespace evio::test {

using namespace detail;

class AsynchronousDriver final : public Driver {
 public:
  /// `waits`: else every poll returns at once.
  AsynchronousDriver(Sink& sink, EventFd& waker, std::uint64_t seed, const Faults& faults,
                     bool waits = true);
  AsynchronousDriver(const AsynchronousDriver&) = delete;
  ~AsynchronousDriver() override;

  void accept_from(ListenerId listener, NativeSocket socket) override;
  void set_accepting(ListenerId listener, bool accepting) override;
  void close_listener(ListenerId listener) override;
  void bind_datagram(UdpSocketId socket, NativeSocket native) override;
  bool send_to(UdpSocketId socket, const Datagram& datagram) override;
  void close_datagram(UdpSocketId socket) override;
  std::error_code set_options(UdpSocketId socket, const Options& options) override;
  Address local_address(UdpSocketId socket) override;
  NativeSocket native(UdpSocketId socket) override;
  void connect(ConnectId connect_id, const Address& to, const Options& options) override;
  void cancel(ConnectId connect_id) override;
  std::error_code watch(WatchId name, NativeSocket descriptor, Interest interest) override;
  void unwatch(WatchId name) override;
  NativeSocket pollable() override { return {}; }
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
  Duration now() override;
  PollResult poll(Duration deadline) override;

 private:
  using Streams = std::unordered_map<std::uint32_t, std::unique_ptr<AsynchronousStream>>;
  struct Name {  // of a stream, known again when it was used anew
    std::uint32_t index;
    std::uint64_t generation;
  };
  struct ListenerState {
    int fd = -1;
    bool unix_socket = false;
    bool accepting = true;
    bool readable = false;
    int late = 0;  // may still land though accepting was stopped
    std::deque<Accepted> landed{};
    int error = 0;
  };
  struct Attempt {
    int fd = -1;
    std::error_code error{};
    bool writable = false;
  };
  struct Task {
    Address from, to;
    std::string bytes;
  };
  struct Port {
    DatagramPort port{};
    bool readable = false;
    bool refused = false;  // not reported yet
    std::deque<Task> landed{}, batch{};
  };

  void down();
  AsynchronousStream& stream(StreamId stream);
  AsynchronousStream* find(const Name& name) noexcept;
  std::vector<Name> names_shuffled();

  void wait_for_kernel(Duration timeout);
  bool work();
  bool work_on(ListenerState& listener_state);
  bool work_on(Port& port);
  bool deliver_connected(std::uint32_t index);
  bool deliver_ready(std::uint32_t index);
  void post_task(Port& port, const Task& task);
  bool any_news() const noexcept;

  bool deliver();
  bool deliver(const Name& name);
  bool report(const Name& name, AsynchronousStream& from);
  bool deliver_accepted(std::uint32_t index);
  bool deliver_datagram(std::uint32_t index);

  Sink& sink_;
  DatagramReceiver receiver_;
  DatagramSender sender_;
  EventFd& waker_;
  Chance chance_;
  const Faults faults_;
  const bool waits_;
  std::uint64_t generations_ = 0;
  Streams streams_;
  std::map<std::uint32_t, ListenerState> listeners_;
  std::map<std::uint32_t, Attempt> attempts_;
  struct Watching {
    int fd;
    Interest interest;
    short events = 0;
  };
  std::map<std::uint32_t, Watching> watches_;
  std::map<std::uint32_t, Port> ports_;
  std::deque<Name> waiting_for_buffers_;
  int buffers_;
  bool more_ = false;  // something can go on without waiting for the kernel
  bool woken_ = false;
  bool polling_ = false;
  std::thread::id thread_;
};

/// This machine's platform with that driver; each loop gets a seed of its own.
std::unique_ptr<Platform> make_asynchronous_platform(std::uint64_t seed, const Faults& faults = {});

/// The same on one thread: by seed, one loop after the other turns once, and `between` is called
/// between their turns.
std::unique_ptr<Platform> make_stepped_platform(std::uint64_t seed, const Faults& faults,
                                                std::function<void()> between);

}  // namespace evio::test
