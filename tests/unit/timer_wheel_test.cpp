#include "timer_wheel.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <evio/conn.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "allocations.hpp"

namespace {

using namespace std::chrono_literals;
using evio::Conn;
using evio::Duration;
using evio::Handler;
using evio::Timer;
using evio::TimerGroup;
using evio::TimerWheel;

struct SomeConn : Conn {
  SomeConn() : Conn(Kind::stream) {}
};

// A wheel whose time is what the test says.
class TimerWheelTest : public testing::Test {
 protected:
  std::size_t advance(Duration to) {
    now = to;
    return wheel->advance(now, [](TimerWheel::Callback& callback, Conn* conn) {
      if (conn)
        std::get<Handler<void(Conn&)>>(callback)(*conn);
      else
        std::get<Handler<void()>>(callback)();
    });
  }

  // Does what a loop that has nothing else to do does, and says how often it woke.
  int sleep_until(Duration end) {
    int wakes = 0;
    for (auto next = wheel->next_deadline(); next && *next <= end; next = wheel->next_deadline(), ++wakes)
      advance(std::max(now, *next));
    advance(end);
    return wakes;
  }

  // Appends its name to `log`.
  Timer note(Duration delay, std::string name, Duration period = {}) {
    return wheel->run_after(
        delay, [this, name = std::move(name)] { log += name; }, period);
  }

  Duration now{};
  std::shared_ptr<TimerWheel> wheel = std::make_shared<TimerWheel>([this] { return now; });
  std::string log;
};

TEST_F(TimerWheelTest, RunsOnceAtItsTime) {
  const Timer timer = note(10ms, "a");
  EXPECT_TRUE(timer.active());
  EXPECT_EQ(wheel->next_deadline(), 10ms);
  EXPECT_EQ(advance(10ms - 1ns), 0u);
  EXPECT_EQ(advance(10ms), 1u);
  EXPECT_FALSE(timer.active());
  EXPECT_EQ(wheel->next_deadline(), std::nullopt);
  EXPECT_EQ(wheel->size(), 0u);
  EXPECT_EQ(advance(1h), 0u);
  EXPECT_EQ(log, "a");
}

TEST_F(TimerWheelTest, IsNeverEarlyBetweenTicks) {
  now = 700us;
  note(400us, "a");  // due at 1.1 ms, so with the tick that follows
  EXPECT_EQ(wheel->next_deadline(), 2ms);
  EXPECT_EQ(advance(1100us), 0u);
  EXPECT_EQ(advance(2ms - 1ns), 0u);
  EXPECT_EQ(advance(2ms), 1u);
}

TEST_F(TimerWheelTest, NoDelayAndNegativeOnesAreDueAtOnce) {
  advance(5ms);
  note(0ms, "a");
  note(-1h, "b");
  note(Duration::min(), "c");
  EXPECT_EQ(wheel->next_deadline(), 5ms);
  EXPECT_EQ(advance(5ms), 3u);
  EXPECT_EQ(log, "abc");
}

TEST_F(TimerWheelTest, EveryDistanceIsExact) {
  for (const Duration start : {Duration(0), Duration(63ms), Duration(64ms), Duration(4095ms), Duration(123'456'789ms)})
    for (Duration delay = 1ms; delay < 24h * 365 * 100; delay += delay / 2ms * 1ms + 1ms) {
      advance(start);
      note(delay, "");
      ASSERT_EQ(wheel->next_deadline(), start + delay);
      ASSERT_EQ(advance(start + delay - 1ns), 0u);
      ASSERT_EQ(wheel->next_deadline(), start + delay);
      ASSERT_EQ(advance(start + delay), 1u);
      advance(0ms);
    }
}

TEST_F(TimerWheelTest, HugeDelaysDoNotOverflow) {
  now = 1h;
  const Timer timer = note(Duration::max(), "a");
  note(Duration::max() - 2h, "b");
  EXPECT_EQ(advance(24h * 365 * 200), 0u);
  EXPECT_EQ(wheel->next_deadline(), std::chrono::ceil<std::chrono::milliseconds>(Duration::max() - 1h));
  EXPECT_TRUE(timer.active());
  EXPECT_EQ(advance(Duration::max() - 1s), 1u);
  EXPECT_EQ(*wheel->next_deadline(), std::chrono::floor<std::chrono::milliseconds>(Duration::max()));
  note(Duration::max(), "c", Duration::max());
  EXPECT_EQ(advance(Duration::max()), 2u);
  EXPECT_EQ(log, "bac");
}

TEST_F(TimerWheelTest, RunsInTheOrderOfDeadlines) {
  note(900us, "d");
  note(300us, "b");
  note(3h, "f");
  note(100us, "a");
  note(1s, "e");
  note(301us, "c");
  advance(4h);
  EXPECT_EQ(log, "abcdef");
}

TEST_F(TimerWheelTest, EqualDeadlinesRunInTheOrderOfArming) {
  // The later they are armed, the lower the level on which they start.
  for (const Duration start : {0ms, 1ms, 262'144ms, 299'000ms, 299'999ms, 300'000ms}) {
    now = start;
    note(300'000ms - start, std::string(1, static_cast<char>('a' + wheel->size())));
    advance(start - start % 1000ms);
  }
  sleep_until(300'000ms);
  EXPECT_EQ(log, "abcdef");
}

TEST_F(TimerWheelTest, ALongJumpSortsWhatIsDue) {
  std::vector<int> order;
  std::vector<int> expected;
  for (int i = 0; i < 10'000; ++i) {
    wheel->run_after(Duration(i * 7919LL % 10'000 * 100'000), [&order, i] { order.push_back(i * 7919LL % 10'000); });
    expected.push_back(i);
  }
  advance(1h);
  EXPECT_EQ(order, expected);
}

TEST_F(TimerWheelTest, WhatIsArmedMeanwhileWaitsForTheNextCall) {
  wheel->run_after(0ms, [this] {
    log += "a";
    wheel->run_after(0ms, [this] {
      log += "b";
      wheel->run_after(-1s, [this] { log += "c"; });
    });
  });
  EXPECT_EQ(advance(1s), 1u);
  EXPECT_EQ(wheel->next_deadline(), 1s);
  EXPECT_EQ(advance(1s), 1u);
  EXPECT_EQ(advance(1s), 1u);
  EXPECT_EQ(log, "abc");
}

TEST_F(TimerWheelTest, PeriodicOnesDoNotDrift) {
  const Timer timer = note(10ms, "a", 10ms);
  advance(10ms);
  EXPECT_TRUE(timer.active());
  EXPECT_EQ(wheel->next_deadline(), 20ms);
  advance(23ms);
  EXPECT_EQ(wheel->next_deadline(), 30ms);
  advance(30ms);
  EXPECT_EQ(log, "aaa");
}

TEST_F(TimerWheelTest, PeriodicOnesSkipWhatTheyMissed) {
  note(10ms, "a", 10ms);
  EXPECT_EQ(advance(45ms), 1u);
  EXPECT_EQ(wheel->next_deadline(), 50ms);
  EXPECT_EQ(advance(60ms), 1u) << "the one due now is the one that was late";
  EXPECT_EQ(wheel->next_deadline(), 70ms);
  EXPECT_EQ(advance(1000h), 1u);
  EXPECT_EQ(wheel->next_deadline(), 1000h + 10ms);
}

TEST_F(TimerWheelTest, PeriodsShorterThanATickRunOnceATick) {
  const Timer timer = note(1us, "a", 1us);
  EXPECT_EQ(sleep_until(10ms), 10);
  EXPECT_EQ(log, "aaaaaaaaaa");
}

TEST_F(TimerWheelTest, CancelledOnesDoNotRun) {
  Timer timer = note(10ms, "a");
  const Timer same = timer;
  timer.cancel();
  EXPECT_FALSE(same.active());
  EXPECT_EQ(wheel->size(), 0u);
  EXPECT_EQ(wheel->next_deadline(), std::nullopt);
  timer.cancel();
  timer.restart(1ms);
  EXPECT_EQ(advance(1h), 0u);
}

TEST_F(TimerWheelTest, CancelDestroysTheCallable) {
  const auto token = std::make_shared<int>();
  Timer timer = wheel->run_after(1ms, [token] {});
  timer.cancel();
  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(TimerWheelTest, TheCallableIsDestroyedOnceItReturned) {
  const auto token = std::make_shared<int>();
  Timer timer;
  timer = wheel->run_after(1ms, [&, token] {
    timer.cancel();
    EXPECT_EQ(token.use_count(), 2);
  });
  advance(1ms);
  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(TimerWheelTest, RestartMovesTheDeadline) {
  Timer timer = note(10ms, "a");
  advance(9ms);
  timer.restart(10ms);
  EXPECT_EQ(wheel->next_deadline(), 19ms);
  EXPECT_EQ(advance(18ms), 0u);
  timer.restart(-1ms);
  EXPECT_EQ(advance(18ms), 1u);
  timer.restart(1ms);
  EXPECT_FALSE(timer.active());
  EXPECT_EQ(advance(1h), 0u);
}

TEST_F(TimerWheelTest, ARestartedPeriodicOneGoesOnFromThere) {
  Timer timer = note(10ms, "a", 10ms);
  advance(10ms);
  advance(13ms);
  timer.restart(100ms);
  EXPECT_EQ(wheel->next_deadline(), 113ms);
  advance(113ms);
  EXPECT_EQ(wheel->next_deadline(), 123ms);
}

TEST_F(TimerWheelTest, RestartedInsideItselfItRunsOnceMore) {
  Timer timer;
  timer = wheel->run_after(1ms, [&] {
    EXPECT_FALSE(timer.active());
    log += "a";
    if (log == "a") timer.restart(5ms);
    EXPECT_EQ(timer.active(), log == "a");
  });
  advance(1ms);
  EXPECT_EQ(wheel->next_deadline(), 6ms);
  advance(6ms);
  EXPECT_EQ(log, "aa");
  EXPECT_EQ(wheel->size(), 0u);
}

TEST_F(TimerWheelTest, APeriodicOneRestartedInsideItselfGoesOnFromThere) {
  Timer timer;
  timer = wheel->run_after(
      1ms,
      [&] {
        EXPECT_TRUE(timer.active());
        if (now == 1ms) timer.restart(5ms);
      },
      10ms);
  advance(1ms);
  EXPECT_EQ(wheel->next_deadline(), 6ms);
  advance(6ms);
  EXPECT_EQ(wheel->next_deadline(), 16ms);
}

TEST_F(TimerWheelTest, APeriodicOneMayCancelItself) {
  Timer timer;
  timer = wheel->run_after(
      1ms,
      [&] {
        timer.cancel();
        EXPECT_FALSE(timer.active());
      },
      1ms);
  advance(1ms);
  EXPECT_EQ(wheel->size(), 0u);
  EXPECT_EQ(advance(1h), 0u);
}

TEST_F(TimerWheelTest, CancelInsideItselfIsFinal) {
  Timer timer;
  timer = wheel->run_after(1ms, [&] {
    timer.restart(1ms);
    timer.cancel();
    timer.restart(1ms);
    EXPECT_FALSE(timer.active());
  });
  EXPECT_EQ(advance(1ms), 1u);
  EXPECT_EQ(advance(1h), 0u);
}

TEST_F(TimerWheelTest, CancelsWhatIsDueInTheSameCall) {
  Timer other;
  wheel->run_after(1ms, [&] {
    EXPECT_TRUE(other.active());
    other.cancel();
  });
  other = note(1ms, "other");
  EXPECT_EQ(advance(1ms), 1u);
  EXPECT_EQ(log, "");
}

TEST_F(TimerWheelTest, RestartsWhatIsDueInTheSameCall) {
  Timer other;
  wheel->run_after(1ms, [&] { other.restart(0ms); });
  other = note(1ms, "other");
  EXPECT_EQ(advance(1ms), 1u);
  EXPECT_EQ(advance(1ms), 1u);
  EXPECT_EQ(log, "other");
}

TEST_F(TimerWheelTest, AnOldNameDoesNotReachWhatTookItsPlace) {
  Timer old = note(1ms, "a");
  old.cancel();
  const Timer young = note(1ms, "b");
  old.cancel();
  old.restart(1h);
  EXPECT_FALSE(old.active());
  EXPECT_TRUE(young.active());
  advance(1ms);
  EXPECT_EQ(log, "b");
}

TEST_F(TimerWheelTest, ANameOutlivesTheWheel) {
  const auto token = std::make_shared<int>();
  Timer timer = wheel->run_after(1ms, [token] {});
  wheel.reset();
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_FALSE(timer.active());
  timer.cancel();
  timer.restart(1ms);
  Timer nothing;
  nothing.cancel();
  nothing.restart(1ms);
  EXPECT_FALSE(nothing.active());
}

TEST_F(TimerWheelTest, AGroupIsTheConnections) {
  SomeConn conn;
  TimerGroup group;
  wheel->run_after(
      1ms,
      [&](Conn& owner) {
        EXPECT_EQ(&owner, &conn);
        log += "a";
      },
      conn, group);
  advance(1ms);
  EXPECT_EQ(log, "a");
  EXPECT_EQ(wheel->size(), 0u);
  wheel->cancel_group(group);
}

TEST_F(TimerWheelTest, CancelsAGroupAndNothingElse) {
  SomeConn conn;
  TimerGroup group, other;
  std::vector<Timer> timers;
  for (int i = 0; i < 10; ++i) {
    timers.push_back(wheel->run_after(
        1ms, [this](Conn&) { log += "a"; }, conn, group));
    wheel->run_after(
        1ms, [this](Conn&) { log += "b"; }, conn, other);
  }
  timers[0].cancel();
  timers[9].cancel();
  timers[5].cancel();
  wheel->cancel_group(group);
  EXPECT_EQ(wheel->size(), 10u);
  for (const Timer& timer : timers) EXPECT_FALSE(timer.active());
  advance(1ms);
  EXPECT_EQ(log, "bbbbbbbbbb");
}

TEST_F(TimerWheelTest, ACallableMayCancelItsOwnGroup) {
  SomeConn conn;
  TimerGroup group;
  const auto token = std::make_shared<int>();
  std::vector<Timer> timers;
  for (int i = 0; i < 3; ++i)
    timers.push_back(wheel->run_after(
        1ms,
        [&, token](Conn&) {
          log += "a";
          wheel->cancel_group(group);
          EXPECT_EQ(token.use_count(), 2) << "its own is still needed";
          timers[0].restart(1ms);
        },
        conn, group));
  EXPECT_EQ(advance(1ms), 1u);
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(log, "a");
  EXPECT_EQ(wheel->size(), 0u);
  EXPECT_EQ(advance(1h), 0u);
}

TEST_F(TimerWheelTest, OneOfAGroupMayRestartItself) {
  SomeConn conn;
  TimerGroup group;
  Timer timer;
  timer = wheel->run_after(
      1ms, [&](Conn&) { timer.restart(1ms); }, conn, group);
  sleep_until(10ms);
  EXPECT_TRUE(timer.active());
  wheel->cancel_group(group);
  EXPECT_EQ(wheel->size(), 0u);
}

// Calls fn when it dies.
struct AtDeath {
  explicit AtDeath(Handler<void()> fn) : call(std::move(fn)) {}
  AtDeath(AtDeath&&) = default;
  ~AtDeath() {
    if (call) call();
  }
  Handler<void()> call;
};

TEST_F(TimerWheelTest, ADestructorMayUseTheWheel) {
  SomeConn conn;
  TimerGroup group;
  Timer self, other, armed;
  const auto at_death = [&] {
    EXPECT_FALSE(self.active());
    self.cancel();
    self.restart(1ms);
    other.cancel();
    armed = note(1ms, "armed");
  };
  const auto arm_both = [&] {
    self = wheel->run_after(
        1ms, [token = AtDeath(at_death)](Conn&) {}, conn, group);
    other = wheel->run_after(
        1ms, [this](Conn&) { log += "other"; }, conn, group);
  };
  arm_both();
  self.cancel();
  EXPECT_FALSE(other.active());
  EXPECT_TRUE(armed.active());
  arm_both();
  wheel->cancel_group(group);
  arm_both();
  EXPECT_EQ(advance(now + 1ms), 3u) << "two that were armed, and self, whose death cancels the other";
  EXPECT_EQ(advance(now + 1ms), 1u);
  EXPECT_EQ(log, "armedarmedarmed");
}

TEST_F(TimerWheelTest, ADestructorMayUseTheWheelThatIsCleared) {
  Timer other, late;
  wheel->run_after(1ms, [token = AtDeath([&] {
                           other.cancel();
                           late = note(1ms, "late");
                         })] {});
  other = note(1ms, "other");
  wheel->clear();
  EXPECT_FALSE(late.active());
  EXPECT_EQ(wheel->size(), 0u);
}

TEST_F(TimerWheelTest, ADestructorMayUseNamesWhenTheWheelDies) {
  Timer other;
  wheel->run_after(1ms, [token = AtDeath([&] { other.cancel(); })] {});
  other = note(1ms, "other");
  wheel.reset();
  EXPECT_FALSE(other.active());
}

TEST_F(TimerWheelTest, ClearEndsItForGood) {
  const auto token = std::make_shared<int>();
  for (int i = 0; i < 100; ++i) wheel->run_after(i * 1s, [token] {});
  wheel->clear();
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(wheel->next_deadline(), std::nullopt);
  const Timer timer = wheel->run_after(1ms, [token] {});
  EXPECT_FALSE(timer.active());
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(advance(1h), 0u);
}

TEST_F(TimerWheelTest, MayBeClearedByACallable) {
  const auto token = std::make_shared<int>();
  Timer timer;
  timer = wheel->run_after(
      1ms,
      [&, token] {
        wheel->clear();
        timer.restart(1ms);
        EXPECT_EQ(token.use_count(), 2);
      },
      1ms);
  wheel->run_after(1ms, [token] {});
  EXPECT_EQ(advance(1ms), 1u);
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(wheel->size(), 0u);
}

TEST_F(TimerWheelTest, AnExceptionEndsTheCallButLosesNothing) {
  const auto token = std::make_shared<int>();
  wheel->run_after(1ms, [token] { throw std::runtime_error("one-shot"); });
  const Timer periodic = wheel->run_after(
      1ms, [] { throw std::runtime_error("periodic"); }, 1ms);
  const Timer last = note(1ms, "last");
  EXPECT_THROW(advance(1ms), std::runtime_error);
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(wheel->next_deadline(), 1ms);
  EXPECT_THROW(advance(1ms), std::runtime_error);
  EXPECT_TRUE(periodic.active());
  EXPECT_TRUE(last.active());
  EXPECT_EQ(advance(1ms), 1u);
  EXPECT_EQ(log, "last");
}

TEST_F(TimerWheelTest, AClockThatGoesBackMakesNothingEarlyOrLost) {
  advance(1h);
  note(10ms, "b");
  note(1s, "c");
  advance(30min);
  note(1ms, "a");
  EXPECT_EQ(wheel->next_deadline(), 30min + 1ms);
  EXPECT_EQ(advance(30min + 1ms), 1u);
  EXPECT_EQ(wheel->next_deadline(), 1h + 10ms);
  EXPECT_EQ(advance(1h + 9ms), 0u);
  EXPECT_EQ(sleep_until(1h + 1s), 2);
  EXPECT_EQ(log, "abc");
}

TEST_F(TimerWheelTest, AClockBehindTheLastCallMakesNothingEarly) {
  advance(1h);
  now = 59min;
  note(1s, "a");
  EXPECT_EQ(wheel->next_deadline(), 59min + 1s);
  EXPECT_EQ(advance(59min + 999ms), 0u);
  EXPECT_EQ(advance(59min + 1s), 1u);
}

TEST_F(TimerWheelTest, AJumpOfHoursRunsEachOnce) {
  for (int i = 0; i < 1000; ++i) note(i * 10s, "a");
  note(1ms, "p", 1ms);
  EXPECT_EQ(advance(48h), 1001u);
  EXPECT_EQ(wheel->size(), 1u);
}

TEST_F(TimerWheelTest, WakesOnceForEachOfFewTimers) {
  const Duration delays[] = {1ms, 50ms, 64ms, 65ms, 4s, 60s, 61s, 5min, 10h, 24h * 30};
  for (const Duration delay : delays) note(delay, "a");
  EXPECT_EQ(sleep_until(24h * 40), 10);
}

TEST_F(TimerWheelTest, WakesForTheFirstThatIsLeft) {
  std::vector<Timer> timers;
  for (int i = 0; i < 20; ++i) timers.push_back(note(60s + i * 10ms, "a"));
  for (int i = 0; i < 19; ++i) {
    timers[static_cast<std::size_t>(i)].cancel();
    ASSERT_EQ(wheel->next_deadline(), 60s + (i + 1) * 10ms);
  }
}

TEST_F(TimerWheelTest, WakesAtMostOnceMoreALevelWhenManyShareASlot) {
  std::vector<Timer> timers;
  for (int i = 0; i < 1000; ++i) timers.push_back(note(24h + i * 1h, "a"));
  timers[0].cancel();
  EXPECT_LE(*wheel->next_deadline(), 25h);
  EXPECT_LE(sleep_until(25h), 1 + 8);
  EXPECT_EQ(log, "a");
}

TEST_F(TimerWheelTest, NeverWakesTooLateHoweverManyShareASlot) {
  Timer first = note(19h, "a");
  for (int i = 0; i < 1000; ++i) note(21h + i * 1ms, "");
  note(20h, "b");
  first.cancel();
  EXPECT_LE(*wheel->next_deadline(), 20h);
  sleep_until(20h);
  EXPECT_EQ(log, "b");
}

TEST_F(TimerWheelTest, AllocatesNothingOnceWarm) {
  SomeConn conn;
  TimerGroup group;
  Timer idle = wheel->run_after(
      60s, [](Conn&) {}, conn, group);
  wheel->run_after(
      1ms, [] {}, 1ms);
  const auto turn = [&] {
    for (int i = 0; i < 300; ++i) wheel->run_after(Duration((i * 37 % 300) * 10'000), [] {});
    Timer cancelled = wheel->run_after(1h, [] {});
    idle.restart(60s);
    advance(now + 5ms);
    cancelled.cancel();
  };
  turn();
  const std::size_t before = allocations().count;
  for (int i = 0; i < 1000; ++i) turn();
  EXPECT_EQ(allocations().count, before);
  wheel->cancel_group(group);
}

// Would take hours if any of this depended on how many are armed.
TEST_F(TimerWheelTest, ManyArmedTimersCostNothingPerEvent) {
  constexpr std::size_t count = 300'000;
  std::vector<Timer> timers;
  for (std::size_t i = 0; i < count; ++i) {
    now = Duration(i * 100'000);
    timers.push_back(wheel->run_after(60s, [] {}));
  }
  for (std::size_t i = 0; i < count; ++i) {  // always the one that would have been next
    timers[i].restart(60s);
    ASSERT_GE(*wheel->next_deadline(), 60s);
    if (i % 8 == 0) timers[i].cancel();
    wheel->next_deadline();
    ASSERT_EQ(advance(now + 1us), 0u);
  }
  EXPECT_EQ(wheel->size(), count - count / 8);
}

}  // namespace
