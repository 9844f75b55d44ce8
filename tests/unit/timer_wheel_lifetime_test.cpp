// The timer wheel: groups, destructors that use it, clocks that jump, and its cost.
#include "allocations.hpp"
#include "timer_wheel_fixture.hpp"

namespace evio::test {

using namespace detail;
namespace {

TEST_F(TimerWheelTest, AGroupBelongsToAConnection) {
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

TEST_F(TimerWheelTest, ATimerOfAGroupMayRestartItself) {
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

// Calls fn in its destructor.
struct AtDeath {
  explicit AtDeath(Callback<void()> fn) : call(std::move(fn)) {}
  AtDeath(AtDeath&&) = default;
  ~AtDeath() {
    if (call) call();
  }
  Callback<void()> call;
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
  EXPECT_EQ(advance(now + 1ms), 3u)
      << "two that were armed, and self, whose death cancels the other";
  EXPECT_EQ(advance(now + 1ms), 1u);
  EXPECT_EQ(log, "armedarmedarmed");
}

TEST_F(TimerWheelTest, ADestructorMayUseTheWheelDuringClear) {
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

TEST_F(TimerWheelTest, ADestructorMayUseTimersWhenTheWheelIsDestroyed) {
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

// This would take hours if any operation depended on the number of armed timers.
TEST_F(TimerWheelTest, ManyArmedTimersCostNothingPerEvent) {
  constexpr std::size_t count = 300'000;
  std::vector<Timer> timers;
  for (std::size_t i = 0; i < count; ++i) {
    now = Duration(i * 100'000);
    timers.push_back(wheel->run_after(60s, [] {}));
  }
  for (std::size_t i = 0; i < count; ++i) {  // always the timer that would be next
    timers[i].restart(60s);
    ASSERT_GE(*wheel->next_deadline(), 60s);
    if (i % 8 == 0) timers[i].cancel();
    wheel->next_deadline();
    ASSERT_EQ(advance(now + 1us), 0u);
  }
  EXPECT_EQ(wheel->size(), count - count / 8);
}

}  // namespace
}  // namespace evio::test
