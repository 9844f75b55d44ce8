// A client that connects again whenever its connection ends.
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

/// How long to wait before connecting again: longer each time, until a connection has lasted.
struct Backoff {
  Duration initial = std::chrono::milliseconds(100);  ///< the first delay
  Duration max = std::chrono::seconds(30);            ///< no delay is longer
  double multiplier = 2;  ///< each delay is so many times the one before; at least 1
  /// Each delay is shortened at random by at most this share of it (0 to 1), so that the clients of
  /// a server that was gone do not all come back at once. The simulation draws it from its seed.
  double jitter = 0.5;
  Duration reset_after =
      std::chrono::seconds(10);  ///< a connection that was open for so long makes delays begin
                                 ///< anew; Duration::max(): none does
};

/// Keeps one connection to an address: connects at once and, however the connection ends (it could
/// not be made, the peer or you closed it, it was detached), again after a delay. Handlers, limits
/// and options are those of the Binding, as for Loop::connect: its `opened` and `closed` run for
/// each connection. Over once the server shuts down.
///
/// Belongs to the loop's thread, where it is made, called and destroyed, such as in the loop's
/// context, or is destroyed after the server has ended. Its destructor is stop().
class EVIO_API Reconnecting {
 public:
  /// Throws Error for an address that nothing can connect to, and for delays that make no sense.
  [[nodiscard]] Reconnecting(Loop& loop, const Binding& to, const Backoff& backoff = {});
  /// Leaves the other empty.
  Reconnecting(Reconnecting&&) noexcept = default;
  /// Ends what it named before.
  Reconnecting& operator=(Reconnecting&& other) noexcept;
  ~Reconnecting() { stop(); }

  /// The connection, open or under way (writing to it works then, too); null while it waits and
  /// after stop().
  Conn* connection() const noexcept;
  /// Connects no more. A connection that there is goes on by itself.
  void stop() noexcept;

 private:
  std::shared_ptr<detail::Reconnector> keeper_;
};

}}  // namespace evio::v0
