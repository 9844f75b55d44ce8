// Stats: what a server counts, and the reasons for which connections close.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <evio/duration.hpp>
#include <evio/export.hpp>
#include <numeric>
#include <string_view>
#include <system_error>

namespace evio { inline namespace v0 {

/// Why a connection ended: the error that `closed` got, or that it was detached. The values from
/// idle_timeout to slow_reader stand for the evio::Errc of the same name.
enum class CloseReason : std::uint8_t {
  /// No error: an orderly end by the peer, your own close or abort, or shutdown.
  orderly,
  /// A handler returned Action::detach.
  detached,
  idle_timeout,
  input_overflow,
  output_overflow,
  connect_timeout,
  drain_timeout,
  handler_failed,
  name_not_found,
  frame_too_large,
  bad_frame,
  first_bytes_timeout,
  slow_reader,
  /// The peer reset the connection.
  reset,
  /// Any other error, such as a connection that was refused.
  other,
};
/// The number of values of CloseReason.
inline constexpr std::size_t close_reason_count = static_cast<std::size_t>(CloseReason::other) + 1;

/// The name of the enumerator, such as "idle_timeout".
EVIO_API std::string_view name_of(CloseReason ending) noexcept;
/// The reason under which a `closed` with this error is counted.
EVIO_API CloseReason close_reason_of(const std::error_code& error) noexcept;

/// A histogram of how long a loop's batches of events took. The bound of each bucket is twice the
/// bound of the one before.
struct LagHistogram {
  /// The number of buckets that have a bound.
  static constexpr std::size_t bound_count = 21;
  /// The longest duration that is counted in that bucket: 8 us for the first, 8.4 s for the last.
  static constexpr Duration bound(std::size_t bucket) noexcept {
    return std::chrono::microseconds(8LL << bucket);
  }

  /// The batches in each bucket; the last bucket is for those longer than any bound.
  std::array<std::uint64_t, bound_count + 1> counts{};
  /// The time of all batches together.
  Duration sum{};

  /// How many batches were measured.
  std::uint64_t count() const noexcept {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  }
};

/// The counters of a server since it was made, or of one of its loops, from Server::stats(). Each
/// counter is exact, but they are not read at one instant. Counters 'now' are as of when each loop
/// last asked the kernel for events. Counters of events only grow; compute rates from differences.
struct Stats {
  /// A batch of events that takes longer is counted in slow_batches.
  static constexpr Duration slow = std::chrono::milliseconds(100);

  /// Connections accepted, counted by the loop that gets them.
  std::uint64_t accepted = 0;
  /// Connections open now.
  std::uint64_t open = 0;
  /// Connections closed or detached.
  std::uint64_t closed = 0;
  /// Connections accepted but closed before `opened`: the server was stopping, or the peer had
  /// Limits::connections_per_peer_max already.
  std::uint64_t refused = 0;
  /// Bytes received, including datagrams.
  std::uint64_t received = 0;
  /// Bytes that the kernel accepted for sending, including datagrams.
  std::uint64_t sent = 0;
  /// Datagrams received.
  std::uint64_t datagrams_received = 0;
  /// Datagrams that the kernel accepted for sending.
  std::uint64_t datagrams_sent = 0;
  /// Datagrams that were too large or that the kernel did not accept, that arrived while the
  /// connection was paused or stopping, or whose handler threw.
  std::uint64_t datagrams_dropped = 0;
  /// Times accepting paused because descriptors or kernel memory ran out.
  std::uint64_t accept_pauses = 0;
  /// Bytes of memory held now, as Limits::memory_max counts them: the memory of output_pending,
  /// input_held, and what was sent through handles and has not reached its loop.
  std::uint64_t memory = 0;
  /// Times the reading of a connection paused because of Limits::memory_max.
  std::uint64_t memory_pauses = 0;
  /// Times a loop returned from sleeping in the kernel.
  std::uint64_t wakeups = 0;
  /// Calls of `data`, including datagrams.
  std::uint64_t messages = 0;
  /// Bytes written that the kernel has not accepted, now.
  std::uint64_t output_pending = 0;
  /// Bytes of memory for input that handlers have not taken, and for what protocols hold
  /// (Conn::set_held), now.
  std::uint64_t input_held = 0;
  /// Timers armed now, including the library's own (idle, drain and linger deadlines).
  std::uint64_t timers = 0;
  /// Timers that fired, including the library's own.
  std::uint64_t timers_run = 0;
  /// Posts, sends, wakes and closes that came through Loop, Server or Handle, and what loops send
  /// each other, such as accepted connections.
  std::uint64_t posts = 0;
  /// Batches of events that took longer than `slow`.
  std::uint64_t slow_batches = 0;
  /// Exceptions that left handlers, posts and timers.
  std::uint64_t exceptions = 0;
  /// `closed`, divided by reason; the index is a CloseReason.
  std::array<std::uint64_t, close_reason_count> closed_by{};
  /// The time from each return from the kernel to the next call into it. An event that arrives
  /// meanwhile waits that long, so this is the latency that handlers of the batch add.
  LagHistogram lag{};

  /// How many connections ended for that reason.
  std::uint64_t closed_as(CloseReason ending) const noexcept {
    return closed_by[static_cast<std::size_t>(ending)];
  }
};

}}  // namespace evio::v0
