// A server of yours in a simulated world: network, peers, clock and faults from one seed.
// Link evio::simulation.
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

/// What a peer does and what it has seen, in a simulation: a connection to a server, or for a udp
/// address a socket that sends datagrams to it. It lives as long as its Simulation. Its calls take
/// effect as the virtual time goes on; after the connection has ended they do nothing. A copy names
/// the same peer.
class EVIO_API Peer {
 public:
  /// Sends the bytes behind what was sent before, as fast as the server takes them. On udp: one
  /// datagram.
  void send(std::string_view bytes);
  /// Ends this direction behind what was sent. The server's `ended` follows; receiving goes on.
  void shutdown_write();
  /// Closes in order: shutdown_write, and nothing is received any more. What comes nevertheless is
  /// answered by a reset.
  void close();
  /// Breaks the connection at once. What is on its way, either way, is lost.
  void reset();
  /// Receives no more: what the server sends fills the buffers between them, then stays in the
  /// server.
  void stop_reading();
  /// Receives again, beginning with what waits.
  void start_reading();
  /// Goes on after the server's end. Otherwise, as most programs do, it ends its direction too when
  /// it sees that.
  void stay_open() noexcept;

  /// All bytes received so far; on udp of all datagrams.
  const std::string& received() const noexcept;
  /// The datagrams received so far (udp only).
  const std::vector<std::string>& datagrams() const noexcept;
  /// Forgets what was received, for long runs.
  void forget_received();
  /// Runs fn whenever something was received, the connection was made, or it ended: to script a
  /// peer that answers. May make any call but run, also destroy nothing.
  void when_changed(Callback<void(Peer&)> fn);

  /// The server's host has the connection; the server itself may accept it later.
  bool connected() const noexcept;
  /// The server ended its direction, and everything before was received.
  bool ended() const noexcept;
  /// The connection is over for this side: both directions ended, or it broke, or was given up.
  bool done() const noexcept;
  /// The connection broke or was never made: nothing more comes, and bytes may be lost.
  bool broken() const noexcept { return static_cast<bool>(error()); }
  /// Why: connection_refused, timed_out, connection_reset, or broken_pipe for a reset after the
  /// server's end; with Faults::reset also others.
  std::error_code error() const noexcept;
  /// Whether send still does something: neither ended nor over.
  bool can_send() const noexcept;
  /// Bytes sent that the server's host does not have yet.
  std::size_t unsent() const noexcept;
  /// Its own address, as the server sees it in Conn::remote().
  const Address& address() const noexcept;

 private:
  friend class detail::PeerCore;
  explicit Peer(detail::PeerCore& core) noexcept : core_(core) {}

  detail::PeerCore& core_;
};

}}}  // namespace evio::v0::sim

namespace evio { inline namespace v0 {

/// A world of servers and peers on one thread, whose every choice comes from the seed: the same
/// seed, the same calls, the same run, byte for byte. The servers are the real ones; network,
/// clock, scheduling and peers are simulated, so a day passes in moments and every fault can be
/// had.
///
///     evio::Simulation sim(seed, evio::Faults::swarm(seed));
///     sim.serve(chat_events(), "tcp://:5000");
///     auto& peer = sim.connect("tcp://:5000");
///     peer.send("hello\n");
///     sim.run_for(10s);
///     EXPECT_EQ(peer.received(), "welcome\n");
///
/// Handlers must get all they know from the library: time from Loop::now(), and no thread of their
/// own. A detached Socket is a real one, to be used on this thread without waiting: what is written
/// to it reaches the peer as the time goes on. Native handles are -1. All calls are for one thread.
class EVIO_API Simulation {
 public:
  /// A world whose choices come from the seed alone.
  explicit Simulation(std::uint64_t seed, const sim::Faults& faults = {});
  /// A world whose choices are read from `script`, two bytes each, and come from a fixed seed when
  /// that is used up: for fuzzers, which so learn what leads where.
  explicit Simulation(std::string_view script, const sim::Faults& faults = sim::Faults::all());
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  /// Shuts servers that still run down, at once: their `closed` and `loop_stopped` run. So what
  /// handlers refer to must outlive it: declare that first.
  ~Simulation();

  /// Binds the addresses in this world, throwing Error as Server does. The server starts, `serving`
  /// first, when the time next goes on; it lives as long as the simulation. There may be several.
  /// Events::handle_signals has no effect.
  template <class... Addresses>
  Server& serve(Events&& events, Addresses&&... addresses) {
    return serve_bound(std::move(events), Server::bindings(std::forward<Addresses>(addresses)...));
  }
  /// The same with Events that stay yours: its handlers are called where they are. So one Events
  /// can be served in one simulation after another, each of which it must outlive.
  template <class... Addresses>
  Server& serve(Events& events, Addresses&&... addresses) {
    return serve_borrowed(events, Server::bindings(std::forward<Addresses>(addresses)...));
  }

  /// A new peer, on a host of its own: connects, or for a udp address is ready to send there.
  sim::Peer& connect(std::string_view url);
  /// The same from an address that you choose: several may share a host.
  sim::Peer& connect(std::string_view url, std::string_view from);

  /// Lets virtual time go on for so long. Throws what a server's run() would: what a handler threw.
  void run_for(Duration time);
  /// Lets it go on until nothing more happens: all servers have ended, or wait for what nobody will
  /// do. Timers alone keep it going for an hour at most.
  void run();
  /// Runs fn when so much virtual time has passed, between the servers' turns, as another thread
  /// would.
  void run_after(Duration delay, Callback<void()> fn);

  /// Virtual time since the beginning.
  Duration now() const noexcept;
  /// What it was made with.
  std::uint64_t seed() const noexcept;
  /// A number from 0 to `below` - 1, from the seed too: for workloads.
  std::uint64_t random(std::uint64_t below);
  /// What has happened so far.
  SimulationStats stats() const noexcept;
  /// Ends of connections that servers or peers hold.
  std::size_t open_sockets() const noexcept;
  /// Of everything that happened: equal for equal runs.
  std::uint64_t fingerprint() const noexcept;

  /// From now on writes down what happens; costs time.
  void record_trace();
  /// What was written down, a line each: virtual time in seconds, and what happened.
  const std::string& trace() const noexcept;

 private:
  Server& serve_bound(Events events, std::vector<Binding> addresses);
  Server& serve_borrowed(const Events& events, std::vector<Binding> addresses);

  std::unique_ptr<detail::SimulationCore> core_;
};

}}  // namespace evio::v0
