// Public. The name of something that will run later.
#pragma once

#include <cstdint>
#include <evio/duration.hpp>
#include <memory>

namespace evio::inline v1 {

class TimerWheel;

/// Names a callable armed by run_after, run_every or set_deadline of a Loop or a Conn. A copyable name: its
/// destruction cancels nothing. To be used on the loop's thread; harmless, and inactive, once the timer fired, was
/// cancelled, its connection closed or its loop ended, also after the server is gone. May be used inside the timer's
/// own callable.
class Timer {
 public:
  Timer() = default;  ///< names nothing; inactive

  /// The callable will not run (again); it is destroyed, at the latest when it returns.
  void cancel() noexcept;
  /// Runs `delay` from now instead of when it would have; a periodic timer then goes on from there, and a deadline
  /// stays one. Allocates nothing. Does nothing unless active() or called inside the timer's own callable, which then
  /// runs once more.
  void restart(Duration delay);
  /// Whether it is still going to run.
  bool active() const noexcept;

 private:
  friend class TimerWheel;
  Timer(std::weak_ptr<TimerWheel> wheel, std::uint32_t slot, std::uint32_t generation) noexcept
      : wheel_(std::move(wheel)), slot_(slot), generation_(generation) {}

  std::weak_ptr<TimerWheel> wheel_;
  std::uint32_t slot_ = 0;
  std::uint32_t generation_ = 0;
};

}  // namespace evio::inline v1
