// Simulation: runs servers on a simulated network and clock, reproducibly from one seed. Link
// evio::simulation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/evio.hpp>
#include <evio/export.hpp>
#include <evio/faults.hpp>
#include <evio/simulation_stats.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace evio { inline namespace v0 { namespace detail {
class PeerCore;
class SimulationCore;
}}}  // namespace evio::v0::detail

namespace evio { inline namespace v0 { namespace sim {

/// A simulated peer: a client connection to a server, or for a udp address a socket that sends
/// datagrams to it. Made by Simulation::connect, it lives as long as its Simulation. Its calls take
/// effect as virtual time passes; after the connection has ended they do nothing. A copy refers to
/// the same peer. Belongs to the simulation's thread.
class EVIO_API Peer {
 public:
  /// Sends the bytes after what was sent before, as fast as the server receives them. On udp it
  /// sends one datagram.
  void send(std::string_view bytes);
  /// Ends this direction (FIN) after what was sent. The server's `ended` follows; receiving goes
  /// on.
  void shutdown_write();
  /// Closes in order: ends this direction as shutdown_write does, and receives no more. Bytes that
  /// still arrive are answered by a reset.
  void close();
  /// Resets the connection at once. Bytes in transit, in both directions, are lost.
  void reset();
  /// Stops receiving: what the server sends fills the buffers between them, and then stays in the
  /// server as pending output.
  void stop_reading();
  /// Receives again, beginning with the bytes that wait.
  void start_reading();
  /// Makes the peer go on after the server has ended its direction. By default it then ends its own
  /// direction too, as most programs do.
  void stay_open() noexcept;

  /// All bytes received so far; on udp of all datagrams.
  const std::string& received() const noexcept;
  /// The datagrams received so far (udp only).
  const std::vector<std::string>& datagrams() const noexcept;
  /// Clears received() and datagrams(), to save memory in long runs.
  void forget_received();
  /// Calls fn whenever something was received, the connection was made, or it ended: for a peer
  /// that answers. fn may make any call except Simulation::run and run_for, and must destroy
  /// neither the peer nor the simulation.
  void when_changed(Callback<void(Peer&)> fn);

  /// Whether the connection is established with the server's host; the server may accept it later.
  bool connected() const noexcept;
  /// Whether the server has ended its direction and everything before was received.
  bool ended() const noexcept;
  /// Whether the connection has ended for this side: both directions ended, it broke, or it was
  /// closed here.
  bool done() const noexcept;
  /// Whether the connection broke or was never made: nothing more arrives, and bytes may be lost.
  bool broken() const noexcept { return static_cast<bool>(error()); }
  /// Why it broke: connection_refused, timed_out, connection_reset, or broken_pipe for a reset
  /// after the server's end; with Faults::reset also other errors. Empty if it did not break.
  std::error_code error() const noexcept;
  /// Whether send still has an effect: this direction has not ended.
  bool can_send() const noexcept;
  /// Bytes given to send that have not reached the server's host yet.
  std::size_t unsent() const noexcept;
  /// The peer's own address, as Conn::remote() returns it in the server.
  const Address& address() const noexcept;

 private:
  friend class detail::PeerCore;
  explicit Peer(detail::PeerCore& core) noexcept : core_(core) {}

  detail::PeerCore& core_;
};

}}}  // namespace evio::v0::sim

namespace evio { inline namespace v0 {

/// A simulated world of servers and peers on one thread. Every choice in it comes from the seed:
/// the same seed and the same calls give the same run, byte for byte. The servers are the real
/// ones; kernel, network, clock, scheduling and peers are simulated. So a day passes in moments,
/// and every fault can happen.
///
///     evio::Simulation sim(seed, evio::sim::Faults::swarm(seed));
///     sim.serve(chat_events(), "tcp://:5000");
///     auto& peer = sim.connect("tcp://:5000");
///     peer.send("hello\n");
///     sim.run_for(10s);
///     EXPECT_EQ(peer.received(), "welcome\n");
///
/// For a reproducible run, handlers must get everything from the library: the time from
/// Loop::now(), and no threads of their own. A detached Socket is a real one, to be used on this
/// thread without blocking; what is written to it reaches the peer as virtual time passes. Native
/// handles are -1.
///
/// Thread: all calls must be made on one thread.
class EVIO_API Simulation {
 public:
  /// Makes a world whose choices come from the seed alone. Without faults the network is reliable.
  explicit Simulation(std::uint64_t seed, const sim::Faults& faults = {});
  /// Makes a world whose choices are read from `script`, two bytes each, and come from a fixed seed
  /// after its end. It is for fuzzers, which can thus learn which bytes lead where.
  explicit Simulation(std::string_view script, const sim::Faults& faults = sim::Faults::all());
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  /// Ends servers that still run, without waiting for output: their `closed` and `loop_stopped` are
  /// called. What handlers refer to must therefore outlive the simulation: declare it first.
  ~Simulation();

  /// Makes a server in this world and binds its addresses; throws Error as Server does. The server
  /// starts, with `serving`, when time next passes, and lives as long as the simulation. There may
  /// be several. Events::handle_signals has no effect.
  template <class... Addresses>
  Server& serve(Events&& events, Addresses&&... addresses) {
    return serve_bound(std::move(events), Server::bindings(std::forward<Addresses>(addresses)...));
  }
  /// Like serve(Events&&), with Events that stay yours and must outlive the simulation: the
  /// handlers are called in place. So one Events can be served in one simulation after another.
  template <class... Addresses>
  Server& serve(Events& events, Addresses&&... addresses) {
    return serve_borrowed(events, Server::bindings(std::forward<Addresses>(addresses)...));
  }

  /// Makes a peer on a host of its own. It connects as time passes; for a udp address it is ready
  /// to send. The reference is valid as long as the simulation.
  sim::Peer& connect(std::string_view url);
  /// Makes a peer with the address `from`, so that several peers can share a host.
  sim::Peer& connect(std::string_view url, std::string_view from);

  /// Runs the world for that much virtual time. Throws what Server::run would throw.
  void run_for(Duration time);
  /// Runs the world until nothing more happens: all servers have ended, or wait for events that
  /// will not come. If only timers are left, it ends after at most an hour of virtual time.
  void run();
  /// Calls fn after that much virtual time, between iterations of the loops, as another thread
  /// would: for Server::shutdown, Handle::send and the like.
  void run_after(Duration delay, Callback<void()> fn);

  /// The virtual time since the simulation was made.
  Duration now() const noexcept;
  /// The seed that the simulation was made with.
  std::uint64_t seed() const noexcept;
  /// A number from 0 to `below` - 1 that comes from the seed too: for workloads.
  std::uint64_t random(std::uint64_t below);
  /// The counters of what has happened so far.
  SimulationStats stats() const noexcept;
  /// How many ends of connections servers and peers hold open: a test for leaks.
  std::size_t open_sockets() const noexcept;
  /// A hash of everything that happened; equal runs have equal fingerprints.
  std::uint64_t fingerprint() const noexcept;

  /// Records what happens from now on, for trace(). Costs time and memory.
  void record_trace();
  /// The recorded events, one line each: the virtual time in seconds, and what happened.
  const std::string& trace() const noexcept;

 private:
  Server& serve_bound(Events events, std::vector<Binding> addresses);
  Server& serve_borrowed(const Events& events, std::vector<Binding> addresses);

  std::unique_ptr<detail::SimulationCore> core_;
};

}}  // namespace evio::v0
