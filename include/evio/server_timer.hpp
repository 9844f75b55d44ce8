// The name of something that a server's first loop will run later.
#pragma once

#include <evio/duration.hpp>
#include <evio/export.hpp>
#include <memory>

namespace evio { inline namespace v0 { namespace detail {
class ServerCore;
class ServerTimerState;
}}}  // namespace evio::v0::detail

namespace evio { inline namespace v0 {

/// Names a callable armed by Server::run_after or Server::run_every. A copyable name: its
/// destruction cancels nothing. Any thread, at any time; harmless once the timer fired or the
/// server ended.
class EVIO_API ServerTimer {
 public:
  ServerTimer() = default;  ///< names nothing

  /// The callable does not begin to run any more; one that runs already may still be running.
  void cancel() const;
  /// Runs `delay` from now instead of when it would have; a periodic timer then goes on from there.
  /// Does nothing once it has fired for the last time or was cancelled.
  void restart(Duration delay) const;

 private:
  friend class detail::ServerCore;
  explicit ServerTimer(std::shared_ptr<detail::ServerTimerState> state) noexcept
      : state_(std::move(state)) {}

  std::shared_ptr<detail::ServerTimerState> state_;
};

}}  // namespace evio::v0
