// The name of something that will run later.
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

/// Names a callable armed by run_after, run_every or set_deadline of a Loop or a Conn. A copyable
/// name: its destruction cancels nothing. To be used on the loop's thread; harmless, and inactive,
/// once the timer fired, was cancelled, its connection closed or its loop ended, also after the
/// server is gone. May be used inside the timer's own callable.
class EVIO_API Timer {
 public:
  Timer() = default;  ///< names nothing; inactive

  /// The callable will not run (again); it is destroyed, at the latest when it returns.
  void cancel() noexcept;
  /// Runs `delay` from now instead of when it would have; a periodic timer then goes on from there,
  /// and a deadline stays one. Allocates nothing. Does nothing unless active() or called inside the
  /// timer's own callable, which then runs once more.
  void restart(Duration delay);
  /// Whether it is still going to run.
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
/// that the timer's callable refers to, so that the callable never runs after the object's end.
class ScopedTimer {
 public:
  ScopedTimer() = default;  ///< owns nothing
  /// Takes the timer over: `timer_ = loop.run_after(...)`.
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

  /// Timer::cancel.
  void cancel() noexcept { timer_.cancel(); }
  /// Timer::restart.
  void restart(Duration delay) { timer_.restart(delay); }
  /// Timer::active.
  bool active() const noexcept { return timer_.active(); }

 private:
  Timer timer_;
};

}}  // namespace evio::v0
