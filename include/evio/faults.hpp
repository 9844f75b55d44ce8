// What can go wrong in a simulation, and how often.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <evio/duration.hpp>
#include <evio/export.hpp>

namespace evio { inline namespace v0 { namespace sim {

/// How often each thing goes wrong: probabilities, each asked where its comment says. All are 0:
/// then the network is slow, as networks are, but nothing is lost and nothing breaks.
struct EVIO_API Faults {
  // What the kernel does to the server.
  double short_read = 0;   ///< a read brings less than there is
  double short_write = 0;  ///< a write takes less than there is room for
  double late_send = 0;    ///< a send is only begun: its end is told later
  double late_receive =
      0;  ///< bytes come although the server has just stopped reading: they had landed
  double late_accept = 0;  ///< a connection comes although the server has just stopped accepting
  double late_close = 0;   ///< a close, or a detach, takes its time
  double late_event = 0;   ///< an event is told a turn later, others before it
  double stray_wake = 0;   ///< a loop comes back from waiting with nothing
  double buffer_exhaustion = 0;  ///< there is no buffer to receive into: it must wait for its turn
  double accept_error =
      0;  ///< accepting fails: no descriptor, no memory (EMFILE, ENFILE, ENOBUFS, ENOMEM)
  double accept_abort = 0;  ///< a connection is gone before it was accepted (ECONNABORTED)
  double loop_stall = 0;    ///< a loop's thread gets no processor for up to 100 ms, before a turn
  double clock_jump = 0;    ///< the machine sleeps for up to an hour, before a turn
  double process_stop =
      0;  ///< all loops stop for up to 5 s, before a turn, while the kernel goes on
  double slow_handler = 0;  ///< a handler of a connection takes up to 3 s, while the kernel goes on

  // What the network and the peers do.
  double delay = 0;                ///< what is sent takes up to a second longer
  double stall = 0;                ///< what is sent takes up to 30 seconds longer
  double reset = 0;                ///< the connection breaks, asked for each part of what is sent
  double half_close = 0;           ///< the peer ends its direction, asked for each of its sends
  double connect_failure = 0;      ///< a peer's connect is refused
  double datagram_lost = 0;        ///< a datagram does not arrive
  double datagram_duplicated = 0;  ///< a datagram arrives twice
  double datagram_reordered = 0;   ///< a datagram is overtaken by later ones
  double datagram_refused = 0;     ///< the kernel does not take a datagram of the server's

  /// If not 0: the faults come in phases of about this length, in each of which some of them are
  /// switched off.
  Duration phase{};

  /// No fault ever happens.
  static Faults none() { return {}; }
  /// Each now and then.
  static Faults all();
  /// A selection, each as often as the seed says, in phases or not: what finds more than always
  /// everything (swarm testing).
  static Faults swarm(std::uint64_t seed);
};

/// The faults by number, to count and to list them.
enum class Fault : std::uint8_t {
  short_read,
  short_write,
  late_send,
  late_receive,
  late_accept,
  late_close,
  late_event,
  stray_wake,
  buffer_exhaustion,
  accept_error,
  accept_abort,
  loop_stall,
  clock_jump,
  process_stop,
  slow_handler,
  delay,
  stall,
  reset,
  half_close,
  connect_failure,
  datagram_lost,
  datagram_duplicated,
  datagram_reordered,
  datagram_refused,
};
inline constexpr std::size_t fault_count = 24;

/// The name that it has in Faults.
EVIO_API const char* name(Fault fault) noexcept;
/// Its probability.
EVIO_API double& probability(Faults& faults, Fault fault) noexcept;

}}}  // namespace evio::v0::sim
