// Private. The driver of a simulated kernel: as prompt as epoll or as late as io_uring, as the faults say.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "backend/driver.hpp"
#include "backend/simulated/bridge.hpp"
#include "backend/simulated/network.hpp"
#include "backend/simulated/simulated_dials.hpp"
#include "backend/simulated/world.hpp"

namespace evio::inline v1 {

class SimulatedWaker final : public Waker {
 public:
  void wake() noexcept override { woken = true; }

  bool woken = false;
};

// It never blocks: a poll that finds nothing parks the loop, and the scheduler asks wants_turn() before it turns it
// again. Each stream's operations go on by events of the world; what they brought waits in a list to be told.
class SimulatedDriver final : public Driver, private SocketHolder, private Timed {
 public:
  SimulatedDriver(Sink& sink, SimulatedWaker& waker, World& world, Network& network, Bridges& bridges);
  SimulatedDriver(const SimulatedDriver&) = delete;
  SimulatedDriver& operator=(const SimulatedDriver&) = delete;
  ~SimulatedDriver() override;

  // For the scheduler.
  bool wants_turn();
  Duration parked_until() const noexcept { return parked_until_; }

  void accept_from(Listener listener, NativeSocket socket) override;
  void set_accepting(Listener listener, bool accepting) override;
  void close_listener(Listener listener) override;
  void bind_datagram(DatagramSocket socket, NativeSocket native) override;
  bool send_to(DatagramSocket socket, const Datagram& datagram) override;
  void close_datagram(DatagramSocket socket) override;
  std::error_code set_options(DatagramSocket, const Options&) override { return {}; }
  Address local_address(DatagramSocket socket) override { return network_.address(port(socket).id); }
  NativeSocket native(DatagramSocket) override { return {}; }
  void connect(Dial dial, const Address& to, const Options& options) override;
  void cancel(Dial dial) override;
  std::error_code watch(WatchName name, NativeSocket descriptor, Interest interest) override;
  void unwatch(WatchName) override {}
  NativeSocket pollable() override { return {}; }
  void open(Stream stream, NativeSocket socket) override;
  std::size_t send_now(Stream stream, std::span<const Chunk> chunks) override;
  std::size_t send(Stream stream, std::span<const Chunk> chunks) override;
  void set_receiving(Stream stream, bool receiving) override;
  void shutdown_send(Stream stream) override;
  bool quiet(Stream stream) override;
  void detach(Stream stream) override;
  void close(Stream stream, CloseMode mode) override;
  std::error_code set_options(Stream stream, const Options& options) override;
  Address local_address(Stream stream) override;
  NativeSocket native(Stream) override { return {}; }
  Duration now() override { return world_.now(); }
  Polled poll(Duration deadline) override;

 private:
  enum class Fate : std::uint8_t { staying, detaching, closing };
  struct Slot {
    SocketId socket{};
    std::uint32_t generation = 0;
    bool used = false;
    bool listed = false;  // stands in news_
    bool unseen = false;  // had news when the look began, which were not told yet
    bool receiving = false;
    bool end_told = false;
    bool end_landed = false;  // behind what landed
    bool sending = false;     // a send is in flight
    bool send_begun = false;  // the kernel looks at it
    bool cancelled = false;   // of one that leaves: no operation is under way any more
    Fate fate = Fate::staying;
    CloseMode mode = CloseMode::orderly;
    std::string landed{};  // received though receiving had been stopped
    std::span<const Chunk> chunks{};
    std::size_t sent = 0;  // of the send in flight; then it is done
  };
  struct Door {
    ListenerId id{};
    bool open = false;
    bool accepting = true;
    int late = 0;  // still come though accepting was stopped
  };
  struct Port {
    PortId id{};
    bool open = false;
  };

  void stirred(std::uint32_t name) override;
  void stirred_listener(std::uint32_t) override {}
  void stirred_port(std::uint32_t) override {}
  void due(std::uint64_t what) override;

  Slot& slot(Stream stream);
  const Port& port(DatagramSocket socket) const { return ports_[static_cast<std::uint32_t>(socket)]; }
  void check_nothing_in_flight(const Slot& slot) const;
  void schedule(const Slot& slot, std::uint32_t index, bool late);
  void list(std::uint32_t index);
  void go_on_sending(Slot& slot);
  std::size_t take(Slot& slot, std::span<const Chunk> chunks);
  bool has_news(const Slot& slot) const;
  bool has_news(const Door& door) const;
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
  std::vector<Door> doors_;
  std::vector<Port> ports_;
  SimulatedDials dials_;
  std::vector<std::uint32_t> news_, telling_;
  std::string buffer_;
  DatagramTally tally_;  // not told yet
  bool parked_ = false;
  bool polling_ = false;
  bool looking_ = false;  // a look began that is not complete
  Duration parked_until_{};
};

}  // namespace evio::inline v1
