// When the idle watch asks for a slot: never late, rarely, and not again once the answer says so.
#include "idle_watch.hpp"

#include <gtest/gtest.h>

#include <map>

#include "timer_wheel.hpp"

namespace evio::test {

using namespace detail;
namespace {

using namespace std::chrono_literals;

class IdleWatchTest : public testing::Test {
 protected:
  // Runs until nothing is left to wait for, or until that time.
  void run_until(Duration end) {
    const TimerWheel::Run run = [](TimerWheel::TimerCallback& callback, Conn*) {
      std::get<Callback<void()>>(callback)();
    };
    for (auto due = wheel->next_deadline(); due && *due <= end; due = wheel->next_deadline()) {
      now = std::max(now, *due);
      wheel->advance(now, run);
    }
    now = end;
  }

  Duration now = 0ms;
  std::shared_ptr<TimerWheel> wheel = std::make_shared<TimerWheel>([this] { return now; });
  std::map<std::uint32_t, Duration> asked_at;
  std::map<std::uint32_t, Duration> answers;  // no entry: do not ask again
  IdleWatch watch{*wheel, [this] { return now; }, 160ms,
                  [this](std::uint32_t slot) -> std::optional<Duration> {
                    asked_at[slot] = now;
                    const auto answer = answers.find(slot);
                    if (answer == answers.end()) return std::nullopt;
                    const Duration left = answer->second;
                    answers.erase(answer);
                    return left;
                  }};
};

TEST_F(IdleWatchTest, AsksInTime) {
  for (std::uint32_t slot = 0; slot < 400; ++slot) {
    run_until(slot * 1ms);
    watch.add(slot, 160ms);
  }
  run_until(2s);
  ASSERT_EQ(asked_at.size(), 400U);
  for (const auto& [slot, at] : asked_at) {
    EXPECT_GT(at, slot * 1ms + 150ms) << slot;
    EXPECT_LE(at, slot * 1ms + 160ms) << slot;
  }
}

TEST_F(IdleWatchTest, AsksAgainWhenTheAnswerSays) {
  watch.add(7, 160ms);
  answers[7] = 55ms;
  run_until(170ms);
  EXPECT_EQ(asked_at[7], 160ms);
  run_until(10s);
  EXPECT_EQ(asked_at[7], 210ms);
}

TEST_F(IdleWatchTest, HoldsAConnectionOnce) {
  watch.add(1, 160ms);
  run_until(100ms);
  watch.add(1, 160ms);  // still asked for at 160
  answers[1] = 90ms;
  run_until(200ms);
  EXPECT_EQ(asked_at[1], 160ms);
  run_until(10s);
  EXPECT_EQ(asked_at[1], 250ms);
  EXPECT_EQ(wheel->size(), 0U) << "nothing is left to wait for";
}

TEST_F(IdleWatchTest, ALongStallMissesNoConnection) {
  for (std::uint32_t slot = 0; slot < 20; ++slot) {
    run_until(slot * 8ms);
    watch.add(slot, 160ms);
    answers[slot] = 100ms;
  }
  now = 1h;
  run_until(1h);
  EXPECT_EQ(asked_at.size(), 20U);
  run_until(1h + 1s);
  for (const auto& [slot, at] : asked_at) EXPECT_GE(at, 1h + 90ms) << slot;
}

TEST_F(IdleWatchTest, AConnectionThatIsDueSoonerIsFirst) {
  watch.add(1, 160ms);
  watch.add(2, 50ms);
  run_until(1s);
  EXPECT_EQ(asked_at[1], 160ms);
  EXPECT_EQ(asked_at[2], 50ms);
}

}  // namespace
}  // namespace evio::test
