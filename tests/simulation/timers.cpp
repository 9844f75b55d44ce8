#include "timers.hpp"

#include <memory>

#include "model.hpp"

namespace evio::test {

void TimerChecks::arm(Model& model, Loop& loop) {
  Chance& chance = model.chance();
  const Duration delay(chance(0.3) ? 0 : static_cast<std::int64_t>(chance.upto(50'000'000)));
  const Duration deadline = model.sim().now() + delay;
  switch (chance.below(6)) {
    case 0: {  // cancelled before it can run
      Timer timer =
          loop.run_after(delay, [&model] { model.fail("a timer ran that was cancelled"); });
      timer.cancel();
      if (timer.active()) model.fail("a cancelled timer is active");
      return;
    }
    case 1: {  // cancelled by another timer that is due at the same time and was armed first
      auto victim = std::make_shared<Timer>();
      loop.run_after(delay, [this, &model, &loop, deadline, victim] {
        ran(model, loop, deadline);
        victim->cancel();
      });
      *victim = loop.run_after(delay + Duration(1'000'000),
                               [&model] { model.fail("a cancelled timer ran"); });
      return;
    }
    case 2: {  // restarted with a later deadline
      Timer timer = loop.run_after(delay, [this, &model, &loop, deadline, delay] {
        ran(model, loop, deadline + delay + Duration(3'000'000));
      });
      timer.restart(delay + delay + Duration(3'000'000));
      if (!timer.active()) model.fail("a restarted timer is not active");
      return;
    }
    case 3: {  // periodic
      if (every_begun_ != Duration::zero()) return;
      every_begun_ = model.sim().now();
      auto timer = std::make_shared<Timer>();
      *timer = loop.run_every(std::chrono::milliseconds(7), [this, &model, timer] {
        const Model::Inside inside(model, "periodic timer");
        if (model.sim().now() < every_begun_ + ++every_count_ * std::chrono::milliseconds(7))
          model.fail("a periodic timer ran early");
        if (every_count_ == 5) timer->cancel();
        if (every_count_ > 5) model.fail("a periodic timer ran that was cancelled");
      });
      return;
    }
    default:
      loop.run_after(delay, [this, &model, &loop, deadline] { ran(model, loop, deadline); });
  }
}

void TimerChecks::ran(Model& model, Loop& loop, Duration deadline) {
  const Model::Inside inside(model, "timer");
  if (model.stopping() && model.sim().now() < deadline) model.fail("a timer ran early, at the end");
  const Duration now = loop.now().time_since_epoch();
  if (now < deadline) model.fail("a timer ran early");
  if (deadline < last_deadline_) model.fail("timers ran out of order");
  if (model.setting.punctual() && now > deadline + std::chrono::milliseconds(20))
    model.fail("a timer ran late");
  last_deadline_ = deadline;
}

}  // namespace evio::test
