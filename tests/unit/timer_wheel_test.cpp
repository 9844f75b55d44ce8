// The timer wheel: when timers run, and the operations of Timer.
#include "timer_wheel_fixture.hpp"

namespace evio::test {

using namespace detail;
namespace {

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
  note(400us, "a");  // due at 1.1 ms, so it runs with the following tick
  EXPECT_EQ(wheel->next_deadline(), 2ms);
  EXPECT_EQ(advance(1100us), 0u);
  EXPECT_EQ(advance(2ms - 1ns), 0u);
  EXPECT_EQ(advance(2ms), 1u);
}

TEST_F(TimerWheelTest, ZeroAndNegativeDelaysAreDueImmediately) {
  advance(5ms);
  note(0ms, "a");
  note(-1h, "b");
  note(Duration::min(), "c");
  EXPECT_EQ(wheel->next_deadline(), 5ms);
  EXPECT_EQ(advance(5ms), 3u);
  EXPECT_EQ(log, "abc");
}

TEST_F(TimerWheelTest, EveryDistanceIsExact) {
  for (const Duration start :
       {Duration(0), Duration(63ms), Duration(64ms), Duration(4095ms), Duration(123'456'789ms)})
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
  EXPECT_EQ(wheel->next_deadline(),
            std::chrono::ceil<std::chrono::milliseconds>(Duration::max() - 1h));
  EXPECT_TRUE(timer.active());
  EXPECT_EQ(advance(Duration::max() - 1s), 1u);
  EXPECT_EQ(*wheel->next_deadline(),
            std::chrono::floor<std::chrono::milliseconds>(Duration::max()));
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
    wheel->run_after(Duration(i * 7919LL % 10'000 * 100'000),
                     [&order, i] { order.push_back(i * 7919LL % 10'000); });
    expected.push_back(i);
  }
  advance(1h);
  EXPECT_EQ(order, expected);
}

TEST_F(TimerWheelTest, TimersArmedInACallWaitForTheNextCall) {
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

TEST_F(TimerWheelTest, PeriodicTimersDoNotDrift) {
  const Timer timer = note(10ms, "a", 10ms);
  advance(10ms);
  EXPECT_TRUE(timer.active());
  EXPECT_EQ(wheel->next_deadline(), 20ms);
  advance(23ms);
  EXPECT_EQ(wheel->next_deadline(), 30ms);
  advance(30ms);
  EXPECT_EQ(log, "aaa");
}

TEST_F(TimerWheelTest, PeriodicTimersSkipMissedPeriods) {
  note(10ms, "a", 10ms);
  EXPECT_EQ(advance(45ms), 1u);
  EXPECT_EQ(wheel->next_deadline(), 50ms);
  EXPECT_EQ(advance(60ms), 1u) << "the one due now is the one that was late";
  EXPECT_EQ(wheel->next_deadline(), 70ms);
  EXPECT_EQ(advance(1000h), 1u);
  EXPECT_EQ(wheel->next_deadline(), 1000h + 10ms);
}

TEST_F(TimerWheelTest, PeriodsShorterThanATickRunOncePerTick) {
  const Timer timer = note(1us, "a", 1us);
  EXPECT_EQ(sleep_until(10ms), 10);
  EXPECT_EQ(log, "aaaaaaaaaa");
}

TEST_F(TimerWheelTest, CancelledTimersDoNotRun) {
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

TEST_F(TimerWheelTest, ARestartedPeriodicTimerContinuesFromThere) {
  Timer timer = note(10ms, "a", 10ms);
  advance(10ms);
  advance(13ms);
  timer.restart(100ms);
  EXPECT_EQ(wheel->next_deadline(), 113ms);
  advance(113ms);
  EXPECT_EQ(wheel->next_deadline(), 123ms);
}

TEST_F(TimerWheelTest, RestartInItsOwnCallbackRunsItAgain) {
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

TEST_F(TimerWheelTest, APeriodicTimerRestartedInItsCallbackContinuesFromThere) {
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

TEST_F(TimerWheelTest, APeriodicTimerMayCancelItself) {
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

TEST_F(TimerWheelTest, CancelInItsOwnCallbackIsFinal) {
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

TEST_F(TimerWheelTest, CancelsTimersDueInTheSameCall) {
  Timer other;
  wheel->run_after(1ms, [&] {
    EXPECT_TRUE(other.active());
    other.cancel();
  });
  other = note(1ms, "other");
  EXPECT_EQ(advance(1ms), 1u);
  EXPECT_EQ(log, "");
}

TEST_F(TimerWheelTest, RestartsTimersDueInTheSameCall) {
  Timer other;
  wheel->run_after(1ms, [&] { other.restart(0ms); });
  other = note(1ms, "other");
  EXPECT_EQ(advance(1ms), 1u);
  EXPECT_EQ(advance(1ms), 1u);
  EXPECT_EQ(log, "other");
}

TEST_F(TimerWheelTest, AStaleTimerDoesNotReachItsSuccessor) {
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

TEST_F(TimerWheelTest, ATimerMayOutliveTheWheel) {
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

}  // namespace
}  // namespace evio::test
