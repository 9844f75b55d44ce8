// Timer and ScopedTimer: references to a callable that will run later.
#pragma once

#include <cstdint>
#include <evio/duration.hpp>
#include <evio/export.hpp>
#include <memory>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {
class TimerWheel;
}}}  // namespace evio::v0::detail

namespace evio { inline namespace v0 {

/// A reference to an armed callable; its destruction cancels nothing (ScopedTimer's does). Returned
/// by run_after, run_every and set_deadline of Loop and Conn. Copyable: copies refer to the same
/// timer.
///
///     evio::Timer timeout = conn.set_deadline(5s, [](evio::Conn& c) { c.abort(); });
///     timeout.restart(5s);  // the awaited bytes came: wait for the next ones
///
/// Thread: the loop's only; ServerTimer is for any thread. Once the timer fired or was cancelled,
/// or its connection, loop or server has ended, every call does nothing. The timer's own callable
/// may call it.
class EVIO_API Timer {
 public:
  Timer() = default;  ///< refers to nothing; inactive

  /// Cancels the timer: its callable does not run again, and is destroyed now, or if it is running,
  /// when it returns.
  void cancel() noexcept;
  /// Sets the timer to fire `delay` from now instead of when it would have. A periodic timer
  /// continues from there; a deadline remains one. Inside the timer's own callable it makes the
  /// callable run once more. Does nothing if the timer is not active() otherwise. Allocates
  /// nothing.
  void restart(Duration delay);
  /// Whether the callable is still going to run.
  bool active() const noexcept;

 private:
  friend class detail::TimerWheel;
  Timer(std::weak_ptr<detail::TimerWheel> wheel, std::uint32_t slot,
        std::uint32_t generation) noexcept
      : wheel_(std::move(wheel)), slot_(slot), generation_(generation) {}

  std::weak_ptr<detail::TimerWheel> wheel_;
  std::uint32_t slot_ = 0;
  std::uint32_t generation_ = 0;
};

/// Owns a timer: cancels it when it is destroyed or assigned to. Use it as a member of an object
/// that the timer's callable refers to, so that the callable never runs after the object's end:
///
///     class Session {
///       evio::ScopedTimer ping_ = loop_.run_every(20s, [this] { send_ping(); });
///     };
///
/// Movable, not copyable. Belongs to the loop's thread, as Timer does, or is destroyed after the
/// server has ended.
class ScopedTimer {
 public:
  ScopedTimer() = default;  ///< owns nothing
  /// Takes `timer` over: `timer_ = loop.run_after(...)`.
  ScopedTimer(Timer timer) noexcept
      : timer_(std::move(timer)) {}  // NOLINT(google-explicit-constructor)
  /// Leaves the other empty.
  ScopedTimer(ScopedTimer&& other) noexcept : timer_(std::exchange(other.timer_, Timer())) {}
  /// Cancels the timer that it owned before.
  ScopedTimer& operator=(ScopedTimer&& other) noexcept {
    if (this != &other) {
      timer_.cancel();
      timer_ = std::exchange(other.timer_, Timer());
    }
    return *this;
  }
  ~ScopedTimer() { timer_.cancel(); }

  /// Calls Timer::cancel.
  void cancel() noexcept { timer_.cancel(); }
  /// Calls Timer::restart.
  void restart(Duration delay) { timer_.restart(delay); }
  /// Calls Timer::active.
  bool active() const noexcept { return timer_.active(); }

 private:
  Timer timer_;
};

}}  // namespace evio::v0
