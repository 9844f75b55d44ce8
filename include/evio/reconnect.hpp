// Reconnecting: a client connection that is made again whenever it ends.
#pragma once

#include <chrono>
#include <evio/binding.hpp>
#include <evio/duration.hpp>
#include <evio/export.hpp>
#include <memory>

namespace evio { inline namespace v0 { namespace detail {
class Reconnector;
}}}  // namespace evio::v0::detail

namespace evio { inline namespace v0 {

class Conn;
class Loop;

/// The delays between attempts to connect: each is longer than the one before, until a connection
/// has lasted.
struct Backoff {
  /// The first delay; must be positive.
  Duration initial = std::chrono::milliseconds(100);
  /// No delay is longer; at least `initial`.
  Duration max = std::chrono::seconds(30);
  /// Each delay is this many times the one before; at least 1.
  double multiplier = 2;
  /// Each delay is shortened at random by at most this share of it (0 to 1), so that the clients of
  /// a server that restarts do not all return at the same moment. A simulation draws it from its
  /// seed.
  double jitter = 0.5;
  /// A connection that was open for this long resets the delay to `initial`. Shorter ones do not:
  /// a server that accepts and closes at once would be flooded with attempts. Duration::max(): the
  /// delay is never reset.
  Duration reset_after = std::chrono::seconds(10);
};

/// Maintains one connection to an address: connects at once, and connects again after a delay
/// however the connection ends (it could not be made, the peer or you closed it, or it was
/// detached). Handlers, limits and options are those of the Binding, as for Loop::connect; `opened`
/// and `closed` are called for each connection. It ends when the server shuts down.
///
///     .loop_started = [](evio::Loop& loop) {
///       loop.emplace_context<evio::Reconnecting>(loop, evio::on("tcp://db:5432", db_events()));
///     }
///
/// Thread: it is made, called and destroyed on the loop's thread, for example in the loop's
/// context, or destroyed after the server has ended. Its destructor calls stop().
class EVIO_API Reconnecting {
 public:
  /// Connects at once. Throws Error for an address that nothing can connect to, and for values of
  /// `backoff` that are out of range.
  [[nodiscard]] Reconnecting(Loop& loop, const Binding& to, const Backoff& backoff = {});
  /// Leaves the other without a connection.
  Reconnecting(Reconnecting&&) noexcept = default;
  /// Calls stop() on what it maintained before.
  Reconnecting& operator=(Reconnecting&& other) noexcept;
  ~Reconnecting() { stop(); }

  /// The current connection, open or still connecting (it can be written to in both cases). Null
  /// while waiting for the next attempt, and after stop(). Do not store it: it changes.
  Conn* connection() const noexcept;
  /// Makes no further attempts. A connection that is open or connecting goes on by itself.
  void stop() noexcept;

 private:
  std::shared_ptr<detail::Reconnector> reconnector_;
};

}}  // namespace evio::v0
