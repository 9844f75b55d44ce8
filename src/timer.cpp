// The functions of the public class Timer. Each is forwarded to the TimerWheel, if that still
// exists.
#include <evio/timer.hpp>

#include "timer_wheel.hpp"

namespace evio { inline namespace v0 {

using namespace detail;

namespace {

std::shared_ptr<TimerWheel> own(const std::weak_ptr<TimerWheel>& named) noexcept {
  std::shared_ptr<TimerWheel> wheel = named.lock();
  if (wheel) wheel->owner().check("Timer; Loop::post runs a function on the loop's thread");
  return wheel;
}

}  // namespace

void Timer::cancel() noexcept {
  if (const auto wheel = own(wheel_)) wheel->cancel(slot_, generation_);
}

void Timer::restart(Duration delay) {
  if (const auto wheel = own(wheel_)) wheel->restart(slot_, generation_, delay);
}

bool Timer::active() const noexcept {
  const auto wheel = own(wheel_);
  return wheel && wheel->active(slot_, generation_);
}

}}  // namespace evio::v0
