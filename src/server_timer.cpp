#include "server_timer.hpp"

#include <utility>

#include "post.hpp"
#include "timer_wheel.hpp"

namespace evio { inline namespace v0 {

using namespace detail;

void ServerTimerState::post(Callback<void()> fn) {
  tasks_->push(std::make_unique<Post>(std::move(fn)));
}

// The callable is moved to the loop with the task, so it is destroyed on the loop's thread. It
// keeps the state alive, so that the timer works without the user's ServerTimer.
void ServerTimerState::arm(Duration delay, Callback<void()> fn, Duration period) {
  post([self = shared_from_this(), delay, period, fn = std::move(fn)]() mutable {
    if (self->cancelled_) return;
    ServerTimerState& state = *self;
    state.timer_ = state.wheel_.run_after(
        delay,
        [self = std::move(self), fn = std::move(fn)] {
          if (!self->cancelled_) fn();
        },
        period);
  });
}

// The flag takes effect at once, also if the timer becomes due before the posted task has run.
void ServerTimerState::cancel() {
  cancelled_ = true;
  post([self = shared_from_this()] { self->timer_.cancel(); });
}

void ServerTimerState::restart(Duration delay) {
  post([self = shared_from_this(), delay] { self->timer_.restart(delay); });
}

void ServerTimer::cancel() const {
  if (state_) state_->cancel();
}

void ServerTimer::restart(Duration delay) const {
  if (state_) state_->restart(delay);
}

}}  // namespace evio::v0
