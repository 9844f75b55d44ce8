// Faults: what goes wrong in a simulation, and how often.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <evio/duration.hpp>
#include <evio/export.hpp>

namespace evio { inline namespace v0 { namespace sim {

/// The probability (0 to 1) of each fault, drawn each time the fault could happen. All are 0 by
/// default: then the simulated network has delays, as networks do, but loses and breaks nothing.
///
///     evio::Simulation sim(seed, {.short_read = 0.5, .reset = 0.01});
struct EVIO_API Faults {
  // What the kernel does to the server.

  /// A read returns fewer bytes than there are.
  double short_read = 0;
  /// A write accepts fewer bytes than there is room for.
  double short_write = 0;
  /// A send only begins; its completion is reported later.
  double late_send = 0;
  /// Bytes arrive although the server has just stopped reading: they were received already.
  double late_receive = 0;
  /// A connection arrives although the server has just stopped accepting.
  double late_accept = 0;
  /// A close or a detach takes some time.
  double late_close = 0;
  /// An event is reported an iteration later, and others before it.
  double late_event = 0;
  /// A loop returns from waiting without any event.
  double stray_wake = 0;
  /// No buffer is free to receive into: the connection must wait for the next iteration.
  double buffer_exhaustion = 0;
  /// Accepting fails: no descriptor or no memory (EMFILE, ENFILE, ENOBUFS, ENOMEM).
  double accept_error = 0;
  /// A connection ends before it was accepted (ECONNABORTED).
  double accept_abort = 0;
  /// Before an iteration, a loop's thread gets no processor for up to 100 ms.
  double loop_stall = 0;
  /// Before an iteration, the machine sleeps for up to an hour.
  double clock_jump = 0;
  /// Before an iteration, all loops stop for up to 5 s, while the kernel goes on.
  double process_stop = 0;
  /// A handler of a connection takes up to 3 s, while the kernel goes on.
  double slow_handler = 0;

  // What the network and the peers do.

  /// Sent bytes take up to a second longer.
  double delay = 0;
  /// Sent bytes take up to 30 seconds longer.
  double stall = 0;
  /// The connection breaks; drawn for each part of what is sent.
  double reset = 0;
  /// The peer ends its direction; drawn for each of its sends.
  double half_close = 0;
  /// A connect is refused.
  double connect_failure = 0;
  /// A datagram does not arrive.
  double datagram_lost = 0;
  /// A datagram arrives twice.
  double datagram_duplicated = 0;
  /// A datagram arrives after later ones.
  double datagram_reordered = 0;
  /// The kernel does not accept a datagram of the server.
  double datagram_refused = 0;

  /// If not 0: time is divided into phases of about this length, and in each of them some of the
  /// faults are switched off.
  Duration phase{};

  /// No fault happens.
  static Faults none() { return {}; }
  /// Each fault happens occasionally.
  static Faults all();
  /// A selection of faults with probabilities, and perhaps phases, that the seed decides. Over many
  /// seeds it finds more errors than all() does, because faults can hide each other (swarm
  /// testing).
  static Faults swarm(std::uint64_t seed);
};

/// The faults by number, to count and to list them. Each is the member of Faults with its name.
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
/// The number of values of Fault.
inline constexpr std::size_t fault_count = 24;

/// The name of the member of Faults, such as "short_read".
EVIO_API const char* name(Fault fault) noexcept;
/// The member of `faults` that is the fault's probability, to read or to set.
EVIO_API double& probability(Faults& faults, Fault fault) noexcept;

}}}  // namespace evio::v0::sim
