#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <evio/conn.hpp>
#include <memory>
#include <optional>
#include <ostream>
#include <tuple>
#include <utility>
#include <vector>

#include "support/process.hpp"
#include "timer_wheel.hpp"

// The wheel and a simple model execute the same random commands, and must run the same timers in
// the same order.
namespace {

using namespace std::chrono_literals;
using evio::Callback;
using evio::Conn;
using evio::Duration;
using evio::Timer;
using evio::detail::TimerGroup;
using evio::detail::TimerWheel;
using std::chrono::milliseconds;

constexpr std::size_t groups = 3;

struct SomeConn : Conn {
  SomeConn() : Conn(Kind::stream) {}
};

// What a test, or a running timer, may do. Timers are numbered in the order in which they were
// armed.
struct Command {
  enum Kind {
    nothing,
    arm,
    arm_periodic,
    arm_in_group,
    cancel,
    restart,
    cancel_group,
    cancel_self,
    restart_self
  };
  Kind kind = nothing;
  std::size_t target = 0;
  Duration delay{};
};

std::ostream& operator<<(std::ostream& out, const Command& command) {
  static constexpr const char* names[] = {"nothing",      "arm",         "arm_periodic",
                                          "arm_in_group", "cancel",      "restart",
                                          "cancel_group", "cancel_self", "restart_self"};
  return out << names[command.kind] << " #" << command.target << " " << command.delay.count()
             << "ns";
}

// A command, after which time passes.
struct Step {
  Command command;
  Command when_it_runs;  // if the command arms a timer
  enum Then { at_once, advance, advance_to_next, set_clock } then = at_once;
  Duration time{};  // how far
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  static constexpr const char* names[] = {"at once", "advance", "advance to next", "set clock"};
  return out << "\n{" << step.command << ", which does " << step.when_it_runs << "; then "
             << names[step.then] << " " << step.time.count() << "ns}";
}

// Executes commands; `log` records the timers that run.
class World {
 public:
  virtual ~World() = default;
  virtual void arm(Duration delay, Duration period, std::optional<std::size_t> group,
                   const Command& when_it_runs) = 0;
  virtual void cancel(std::size_t timer) = 0;
  virtual void restart(std::size_t timer, Duration delay) = 0;
  virtual void cancel_group(std::size_t group) = 0;

  void obey(const Command& command, const Command& when_it_runs,
            std::optional<std::size_t> self = {}) {
    const std::size_t target = armed == 0 ? 0 : command.target % armed;
    switch (command.kind) {
      case Command::nothing:
        return;
      case Command::arm:
        return arm(command.delay, 0ns, {}, when_it_runs);
      case Command::arm_periodic:
        return arm(command.delay, std::clamp<Duration>(command.delay / 2, 1us, 24h), {},
                   when_it_runs);
      case Command::arm_in_group:
        return arm(command.delay, 0ns, command.target % groups, when_it_runs);
      case Command::cancel:
        return armed == 0 ? void() : cancel(target);
      case Command::restart:
        return armed == 0 ? void() : restart(target, command.delay);
      case Command::cancel_group:
        return cancel_group(command.target % groups);
      case Command::cancel_self:
        return self ? cancel(*self) : void();
      case Command::restart_self:
        return self ? restart(*self, command.delay) : void();
    }
  }

  Duration now{};
  std::size_t armed = 0;  // how many so far
  std::vector<std::size_t> log;
};

class Model : public World {
 public:
  void arm(Duration delay, Duration period, std::optional<std::size_t> group,
           const Command& when_it_runs) override {
    timers_.push_back({State::waiting, deadline(delay), order_++, period, group, when_it_runs});
    ++armed;
  }
  void cancel(std::size_t timer) override { timers_[timer].state = State::gone; }
  void restart(std::size_t timer, Duration delay) override {
    Entry& entry = timers_[timer];
    if (entry.state == State::gone) return;
    entry.state = State::waiting;
    entry.deadline = deadline(delay);
    entry.order = order_++;
  }
  void cancel_group(std::size_t group) override {
    for (Entry& entry : timers_)
      if (entry.group == group) entry.state = State::gone;
  }

  void advance() {
    std::vector<std::tuple<Duration, std::uint64_t, std::size_t>> batch;
    for (std::size_t i = 0; i < timers_.size(); ++i) {
      Entry& entry = timers_[i];
      if (entry.state != State::waiting || tick(entry.deadline) > now) continue;
      entry.state = State::due;
      batch.emplace_back(entry.deadline, entry.order, i);
    }
    std::sort(batch.begin(), batch.end());
    for (const auto& each : batch)
      if (timers_[std::get<2>(each)].state == State::due) run(std::get<2>(each));
  }

  bool active(std::size_t timer) const { return timers_[timer].state == State::waiting; }
  std::size_t living() const {
    return static_cast<std::size_t>(
        std::count_if(timers_.begin(), timers_.end(),
                      [](const Entry& each) { return each.state != State::gone; }));
  }
  std::optional<Duration> next_deadline() const {
    std::optional<Duration> next;
    for (const Entry& entry : timers_)
      if (entry.state == State::waiting && (!next || tick(entry.deadline) < *next))
        next = tick(entry.deadline);
    return next;
  }

 private:
  enum class State { waiting, due, running, gone };
  struct Entry {
    State state;
    Duration deadline;
    std::uint64_t order;
    Duration period;
    std::optional<std::size_t> group;
    Command when_it_runs;
  };

  static Duration tick(Duration deadline) { return std::chrono::ceil<milliseconds>(deadline); }

  static Duration later(Duration time, Duration delay) {
    const Duration latest = std::chrono::floor<milliseconds>(Duration::max());
    return delay >= latest - time ? latest : time + delay;
  }
  Duration deadline(Duration delay) const { return later(now, std::max<Duration>(delay, 0ns)); }

  void run(std::size_t i) {
    log.push_back(i);
    timers_[i].state = State::running;
    if (const Duration period = timers_[i].period; period > 0ns) {
      const Duration first = timers_[i].deadline;
      timers_[i].state = State::waiting;
      timers_[i].deadline = later(first + (now - first) / period * period, period);
      timers_[i].order = order_++;
    }
    const Command command = timers_[i].when_it_runs;
    obey(command, {}, i);
    if (timers_[i].state == State::running) timers_[i].state = State::gone;
  }

  std::vector<Entry> timers_;
  std::uint64_t order_ = 0;
};

class Wheel : public World {
 public:
  void arm(Duration delay, Duration period, std::optional<std::size_t> group,
           const Command& when_it_runs) override {
    const auto fn = [this, self = armed, when_it_runs, life = token_] {
      log.push_back(self);
      obey(when_it_runs, {}, self);
    };
    timers_.push_back(group ? wheel_->run_after(
                                  delay, [fn](Conn&) { fn(); }, conn_, groups_[*group])
                            : wheel_->run_after(delay, fn, period));
    ++armed;
  }
  void cancel(std::size_t timer) override { timers_[timer].cancel(); }
  void restart(std::size_t timer, Duration delay) override { timers_[timer].restart(delay); }
  void cancel_group(std::size_t group) override { wheel_->cancel_group(groups_[group]); }

  void advance() {
    wheel_->advance(now, [this](TimerWheel::TimerCallback& callback, Conn* conn) {
      RC_ASSERT((conn == &conn_) == (callback.index() == 1));
      if (conn)
        std::get<1>(callback)(*conn);
      else
        std::get<0>(callback)();
    });
  }

  bool active(std::size_t timer) const { return timers_[timer].active(); }
  std::size_t size() const { return wheel_->size(); }
  std::size_t living() const { return static_cast<std::size_t>(token_.use_count()) - 1; }
  std::optional<Duration> next_deadline() const { return wheel_->next_deadline(); }

 private:
  const std::shared_ptr<int> token_ = std::make_shared<int>();
  SomeConn conn_;
  TimerGroup groups_[groups];
  std::vector<Timer> timers_;
  std::shared_ptr<TimerWheel> wheel_ = std::make_shared<TimerWheel>([this] { return now; });
};

rc::Gen<Duration> distance() {
  const auto up_to = [](Duration most, Duration step) {
    return rc::gen::map(rc::gen::inRange<std::int64_t>(0, most / step + 1),
                        [step](std::int64_t n) { return n * step; });
  };
  return rc::gen::oneOf(up_to(3ms, 1ns), up_to(200ms, 1ms), up_to(5s, 1ms), up_to(10min, 1ms),
                        up_to(48h, 1s), up_to(24h * 3650, 1ms), up_to(64h, 4096ms));
}

rc::Gen<Duration> delay() {
  return rc::gen::weightedOneOf<Duration>(
      {{20, distance()}, {1, rc::gen::element(Duration::max(), Duration(-1s))}});
}

rc::Gen<Command> command(std::vector<Command::Kind> kinds) {
  return rc::gen::build<Command>(rc::gen::set(&Command::kind, rc::gen::elementOf(kinds)),
                                 rc::gen::set(&Command::target),
                                 rc::gen::set(&Command::delay, delay()));
}

rc::Gen<Step> step() {
  using C = Command;
  const auto outer = command({C::nothing, C::arm, C::arm, C::arm_periodic, C::arm_in_group,
                              C::arm_in_group, C::cancel, C::restart, C::restart, C::cancel_group});
  const auto inner =
      command({C::nothing, C::nothing, C::nothing, C::arm, C::arm_periodic, C::arm_in_group,
               C::cancel, C::restart, C::cancel_group, C::cancel_self, C::restart_self});
  return rc::gen::build<Step>(
      rc::gen::set(&Step::command, outer), rc::gen::set(&Step::when_it_runs, inner),
      rc::gen::set(&Step::then,
                   rc::gen::element(Step::at_once, Step::at_once, Step::advance,
                                    Step::advance_to_next, Step::advance_to_next, Step::set_clock)),
      rc::gen::set(&Step::time, distance()));
}

void compare(const Model& model, const Wheel& wheel) {
  RC_ASSERT(wheel.log == model.log);
  RC_ASSERT(wheel.armed == model.armed);
  for (std::size_t i = 0; i < model.armed; ++i) RC_ASSERT(wheel.active(i) == model.active(i));
  RC_ASSERT(wheel.size() == model.living());
  RC_ASSERT(wheel.living() == model.living());
  const auto next = wheel.next_deadline();
  RC_ASSERT(next.has_value() == model.next_deadline().has_value());
  if (!next) return;
  RC_ASSERT(*next <= *model.next_deadline());
  if (model.living() <= 32) RC_ASSERT(*next == *model.next_deadline());
}

void pass_time(const Step& step, Model& model, Wheel& wheel, bool backwards) {
  const Duration far =
      backwards ? std::max<Duration>(0ns, model.now - step.time) : model.now + step.time;
  const Duration next = std::max(model.now, model.next_deadline().value_or(0ns));
  model.now = wheel.now = step.then == Step::at_once           ? model.now
                          : step.then == Step::advance_to_next ? next
                                                               : far;
  if (step.then == Step::at_once || step.then == Step::set_clock) return;
  model.advance();
  wheel.advance();
}

rc::Gen<std::vector<Step>> steps() {
  return rc::gen::scale(evio::test::sanitized ? 1.0 : 3.0,
                        rc::gen::container<std::vector<Step>>(step()));
}

void obey_both(const std::vector<Step>& steps, bool backwards) {
  Model model;
  Wheel wheel;
  for (const Step& step : steps) {
    model.obey(step.command, step.when_it_runs);
    wheel.obey(step.command, step.when_it_runs);
    compare(model, wheel);
    pass_time(step, model, wheel, backwards && step.command.target % 8 == 0);
    compare(model, wheel);
    if (model.now > Duration::max() / 2) return;  // no later time exists
  }
}

RC_GTEST_PROP(TimerWheelProperty, BehavesLikeASortedList, ()) { obey_both(*steps(), false); }

RC_GTEST_PROP(TimerWheelProperty, BehavesLikeASortedListWhateverTheClockDoes, ()) {
  obey_both(*steps(), true);
}

}  // namespace
