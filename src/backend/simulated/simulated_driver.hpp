// The driver of a simulated kernel. Depending on the faults it is as prompt as epoll or as late as
// io_uring.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "backend/driver.hpp"
#include "backend/simulated/bridge.hpp"
#include "backend/simulated/network.hpp"
#include "backend/simulated/simulated_connects.hpp"
#include "backend/simulated/world.hpp"

namespace evio { inline namespace v0 { namespace detail {

class SimulatedWaker final : public Waker {
 public:
  void wake() noexcept override { woken = true; }

  bool woken = false;
};

// It never blocks. A poll that finds nothing parks the loop, and the scheduler runs the loop again
// when wants_turn() is true. Operations of streams progress by events of the world; a stream with
// something to report is in a list until the next poll. It stops the program if the library breaks
// a rule of driver.hpp.
class SimulatedDriver final : public Driver, private SocketHolder, private Timed {
 public:
  SimulatedDriver(Sink& sink, SimulatedWaker& waker, World& world, Network& network,
                  Bridges& bridges);
  SimulatedDriver(const SimulatedDriver&) = delete;
  SimulatedDriver& operator=(const SimulatedDriver&) = delete;
  ~SimulatedDriver() override;

  // Called by the scheduler.
  bool wants_turn();
  Duration parked_until() const noexcept { return parked_until_; }

  void accept_from(ListenerId listener, NativeSocket socket) override;
  void set_accepting(ListenerId listener, bool accepting) override;
  void close_listener(ListenerId listener) override;
  void bind_datagram(UdpSocketId socket, NativeSocket native) override;
  bool send_to(UdpSocketId socket, const Datagram& datagram) override;
  void close_datagram(UdpSocketId socket) override;
  std::error_code set_options(UdpSocketId, const Options&) override { return {}; }
  Address local_address(UdpSocketId socket) override { return network_.address(port(socket).id); }
  NativeSocket native(UdpSocketId) override { return {}; }
  void connect(ConnectId id, const Address& to, const Options& options) override;
  void cancel(ConnectId id) override;
  std::error_code watch(WatchId name, NativeSocket descriptor, Interest interest) override;
  void unwatch(WatchId) override {}
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
  NativeSocket native(StreamId) override { return {}; }
  Duration now() override { return world_.now(); }
  PollResult poll(Duration deadline) override;

 private:
  enum class Fate : std::uint8_t { staying, detaching, closing };
  struct Slot {
    SocketId socket{};
    std::uint32_t generation = 0;
    bool used = false;
    bool listed = false;  // it is in news_
    bool unseen = false;  // it had news when the look began that were not reported yet
    bool receiving = false;
    bool end_told = false;    // the peer's end was reported
    bool end_landed = false;  // the end arrived after the `landed` bytes
    bool sending = false;     // a send is in flight
    bool send_begun = false;  // the simulated kernel has begun with that send
    bool cancelled = false;   // it closes or detaches, and no operation is outstanding any more
    Fate fate = Fate::staying;
    CloseMode mode = CloseMode::orderly;
    std::string landed{};  // received although receiving had been stopped
    std::span<const Chunk> chunks{};
    std::size_t sent = 0;  // bytes of the send in flight; not 0: the send is complete
  };
  struct ListenerState {
    NetListenerId id{};
    bool open = false;
    bool accepting = true;
    int late = 0;  // so many are still accepted although accepting was stopped
  };
  struct Port {
    PortId id{};
    bool open = false;
  };

  void stirred(std::uint32_t name) override;
  void stirred_listener(std::uint32_t) override {}
  void stirred_port(std::uint32_t) override {}
  void due(std::uint64_t what) override;

  Slot& slot(StreamId stream);
  const Port& port(UdpSocketId socket) const { return ports_[static_cast<std::uint32_t>(socket)]; }
  void check_nothing_in_flight(const Slot& slot) const;
  void schedule(const Slot& slot, std::uint32_t index, bool late);
  void list(std::uint32_t index);
  void go_on_sending(Slot& slot);
  std::size_t take(Slot& slot, std::span<const Chunk> chunks);
  bool has_news(const Slot& slot) const;
  bool has_news(const ListenerState& listener_state) const;
  bool prune();
  bool look_is_complete();

  bool deliver();
  bool deliver(std::uint32_t index);
  bool tell(std::uint32_t index);
  bool receive(std::uint32_t index);
  void finish(std::uint32_t index, int error);
  bool deliver_accepted(std::uint32_t index);
  bool deliver_datagrams(std::uint32_t index);

  Sink& sink_;
  SimulatedWaker& waker_;
  World& world_;
  Network& network_;
  Bridges& bridges_;
  const std::uint32_t member_;
  std::deque<Slot> slots_;
  std::vector<ListenerState> listeners_;
  std::vector<Port> ports_;
  SimulatedConnects connects_;
  std::vector<std::uint32_t> news_, telling_;
  std::string buffer_;
  DatagramTally tally_;  // not reported yet
  bool parked_ = false;
  bool polling_ = false;
  bool looking_ = false;  // a look has begun and is not complete: see LoopCore::poll
  Duration parked_until_{};
};

}}}  // namespace evio::v0::detail
