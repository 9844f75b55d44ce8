#include <evio/timer.hpp>

#include "timer_wheel.hpp"

namespace evio::inline v1 {

void Timer::cancel() noexcept {
  if (const auto wheel = wheel_.lock()) wheel->cancel(slot_, generation_);
}

void Timer::restart(Duration delay) {
  if (const auto wheel = wheel_.lock()) wheel->restart(slot_, generation_, delay);
}

bool Timer::active() const noexcept {
  const auto wheel = wheel_.lock();
  return wheel && wheel->active(slot_, generation_);
}

}  // namespace evio::inline v1
