// Counters of a server.
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

/// How a connection came to its end: what `closed` was told, or that it was detached.
enum class CloseReason : std::uint8_t {
  orderly,  ///< no error: the peer's orderly end, our own close or abort, shutdown
  detached,
  idle_timeout,  ///< from here on as evio::Errc has it
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
  reset,  ///< by the peer
  other,  ///< any other error, such as a connection that was refused
};
inline constexpr std::size_t close_reason_count = static_cast<std::size_t>(CloseReason::other) + 1;

/// Its enumerator's name.
EVIO_API std::string_view name_of(CloseReason ending) noexcept;
/// Where `closed` with this error is counted.
EVIO_API CloseReason close_reason_of(const std::error_code& error) noexcept;

/// How long a loop's batches of events took, in buckets that double.
struct LagHistogram {
  static constexpr std::size_t bound_count = 21;  ///< buckets that have a bound
  /// The longest that is counted in that bucket: 8 us for the first, 8.4 s for the last.
  static constexpr Duration bound(std::size_t bucket) noexcept {
    return std::chrono::microseconds(8LL << bucket);
  }

  std::array<std::uint64_t, bound_count + 1> counts{};  ///< one more: longer than any bound
  Duration sum{};                                       ///< of all

  /// How many batches were measured.
  std::uint64_t count() const noexcept {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  }
};

/// A server's counters since it was made, or one loop's, from Server::stats(); each is exact, all
/// together are not one instant. What is 'now' is what the loops knew when they last looked for
/// events.
struct Stats {
  /// A batch longer than this is a slow one.
  static constexpr Duration slow = std::chrono::milliseconds(100);

  std::uint64_t accepted = 0;  ///< connections accepted; counted by the loop that gets them
  std::uint64_t open = 0;      ///< connections open now
  std::uint64_t closed = 0;    ///< connections closed or detached
  std::uint64_t refused = 0;   ///< accepted but dropped before `opened`: the server was stopping,
                               ///< or Limits::connections_per_peer_max
  std::uint64_t received = 0;  ///< bytes, datagrams included
  std::uint64_t sent = 0;      ///< bytes that the kernel took, datagrams included
  std::uint64_t datagrams_received = 0;  ///< datagrams handed to `data`
  std::uint64_t datagrams_sent = 0;      ///< datagrams that the kernel took
  std::uint64_t datagrams_dropped = 0;   ///< datagrams too large, not taken by the kernel, or come
                                         ///< while paused or stopping, or whose handler threw
  std::uint64_t accept_pauses =
      0;  ///< times accepting paused for want of descriptors or kernel memory
  std::uint64_t memory =
      0;  ///< bytes of memory held now, as Limits::memory_max counts it: what output_pending
          ///< takes in all, input_held, and what is on its way through handles
  std::uint64_t memory_pauses =
      0;                      ///< times a connection's reading paused because of Limits::memory_max
  std::uint64_t wakeups = 0;  ///< times a loop came back from waiting for the kernel
  std::uint64_t messages = 0;        ///< calls of `data`, datagrams included
  std::uint64_t output_pending = 0;  ///< bytes written that the kernel has not taken, now
  std::uint64_t input_held = 0;  ///< bytes of memory for input that handlers left untaken, or that
                                 ///< protocols hold (Conn::set_held), now
  std::uint64_t timers =
      0;  ///< armed now, the library's own (idle, drain and linger deadlines) included
  std::uint64_t timers_run = 0;  ///< likewise
  std::uint64_t posts = 0;  ///< posts, sends, wakes and closes that came through Loop, Server or
                            ///< Handle, and what loops tell each other, such as new connections
  std::uint64_t slow_batches = 0;  ///< batches that took longer than `slow`
  std::uint64_t exceptions = 0;    ///< exceptions that left handlers, posts and timers
  /// `closed` by its reason; the index is an CloseReason.
  std::array<std::uint64_t, close_reason_count> closed_by{};
  /// From coming back from the kernel to asking it again: so long an event that comes meanwhile
  /// waits. It is the handlers of the batch that take this time.
  LagHistogram lag{};

  /// How many connections ended so.
  std::uint64_t closed_as(CloseReason ending) const noexcept {
    return closed_by[static_cast<std::size_t>(ending)];
  }
};

}}  // namespace evio::v0
