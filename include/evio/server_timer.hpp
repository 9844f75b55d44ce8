// ServerTimer: a thread-safe reference to a callable that loop 0 will run later.
#pragma once

#include <evio/duration.hpp>
#include <evio/export.hpp>
#include <memory>

namespace evio { inline namespace v0 { namespace detail {
class ServerCore;
class ServerTimerState;
}}}  // namespace evio::v0::detail

namespace evio { inline namespace v0 {

/// A thread-safe reference to a callable armed by Server::run_after or Server::run_every; its
/// destruction cancels nothing. Copyable: copies refer to the same timer. Every call may be made
/// from any thread at any time, and is posted to loop 0; once the timer fired or was cancelled or
/// the server has ended, it does nothing.
class EVIO_API ServerTimer {
 public:
  ServerTimer() = default;  ///< refers to nothing

  /// Cancels the timer: its callable does not begin to run after this call. If it is running on
  /// loop 0 already, it may still be running when this returns.
  void cancel() const;
  /// Sets the timer to fire `delay` after loop 0 receives this; a periodic timer continues from
  /// there. Does nothing once it has fired for the last time or was cancelled.
  void restart(Duration delay) const;

 private:
  friend class detail::ServerCore;
  explicit ServerTimer(std::shared_ptr<detail::ServerTimerState> state) noexcept
      : state_(std::move(state)) {}

  std::shared_ptr<detail::ServerTimerState> state_;
};

}}  // namespace evio::v0
