// The timer wheel's deadlines that judge a peer: each waits until everything that had arrived by
// then was handled.
#include "stalls.hpp"
#include "timer_wheel_fixture.hpp"

namespace evio::test {

using namespace detail;
namespace {

class DeadlineTest : public TimerWheelTest {
 protected:
  Timer deadline(Duration delay, const std::string& name) {
    return wheel->set_deadline(delay, [this, name] { log += name; });
  }
  std::size_t judge(Duration looked) {
    return wheel->judge(looked, stalls, [](TimerWheel::TimerCallback& fn, Conn*) {
      std::get<Callback<void()>>(fn)();
    });
  }

  Stalls stalls;
};

TEST_F(DeadlineTest, ExpiresAfterAPollThatBeganAfterIt) {
  const Timer timer = deadline(10ms, "a");
  EXPECT_EQ(judge(20ms), 0u) << "it was not found due";
  EXPECT_EQ(advance(20ms), 0u);
  EXPECT_EQ(judge(10ms - 1ns), 0u);
  EXPECT_TRUE(timer.active());
  EXPECT_LE(*wheel->next_deadline(), 20ms) << "nothing else is to be waited for";
  EXPECT_EQ(judge(10ms), 1u);
  EXPECT_EQ(log, "a");
  EXPECT_FALSE(timer.active());
  EXPECT_EQ(wheel->next_deadline(), std::nullopt);
}

TEST_F(DeadlineTest, DoesNotDelayTimers) {
  deadline(10ms, "a");
  note(10ms, "b");
  EXPECT_EQ(advance(20ms), 1u);
  EXPECT_EQ(log, "b");
}

TEST_F(DeadlineTest, CanBeCancelledAndRestartedWhileItWaits) {
  Timer cancelled = deadline(10ms, "a");
  Timer restarted = deadline(10ms, "b");
  advance(20ms);
  cancelled.cancel();
  restarted.restart(10ms);
  EXPECT_EQ(judge(20ms), 0u);
  EXPECT_EQ(advance(30ms), 0u) << "it still judges";
  EXPECT_EQ(judge(30ms), 1u);
  EXPECT_EQ(log, "b");
}

TEST_F(DeadlineTest, CountsFromTheEndOfTheStallInWhichItWasSet) {
  now = 5ms;
  deadline(10ms, "a");
  stalls.add(0ms, 100ms);
  advance(100ms);
  EXPECT_EQ(judge(100ms), 0u);
  EXPECT_EQ(wheel->next_deadline(), 110ms);
  stalls.add(100ms,
             200ms);  // counted once: otherwise a loop that is always slow would never judge a peer
  advance(200ms);
  EXPECT_EQ(judge(200ms), 1u);
}

TEST_F(DeadlineTest, ADeadlineSetInItsCallbackWaitsForTheNextPoll) {
  Timer timer;
  timer = wheel->set_deadline(0ms, [&] {
    log += "a";
    timer.restart(0ms);
  });
  advance(1ms);
  EXPECT_EQ(judge(1ms), 1u);
  EXPECT_EQ(judge(1ms), 0u);
  advance(2ms);
  EXPECT_EQ(judge(2ms), 1u);
}

}  // namespace
}  // namespace evio::test
