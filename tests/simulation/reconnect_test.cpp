// Reconnecting in virtual time: each delay follows Backoff and the seed, and starts again after a
// long connection.
#include <gtest/gtest.h>

#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <vector>

namespace evio::test { namespace {

using namespace std::chrono_literals;

// The times in milliseconds at which a client was closed whose server refuses it.
std::vector<std::int64_t> failures(std::uint64_t seed, const Backoff& backoff, Duration time) {
  std::vector<std::int64_t> times;
  Simulation sim(seed, {});
  const Binding to = on("tcp://127.0.0.1:1", {.closed = [&] { times.push_back(sim.now() / 1ms); }});
  sim.serve({.loop_started = [to, backoff](Loop& loop) {
    loop.emplace_context<Reconnecting>(loop, to, backoff);
  }});
  sim.run_for(time);
  return times;
}

TEST(ReconnectsInSimulation, WaitWithDelaysThatGrowUpToABound) {
  const std::vector<std::int64_t> times =
      failures(1, {.initial = 1s, .max = 10s, .multiplier = 3, .jitter = 0}, 60s);
  ASSERT_GE(times.size(), 5U);
  const std::int64_t delays[] = {1000, 3000, 9000, 10'000};
  for (std::size_t i = 0; i + 1 < times.size(); ++i) {
    const std::int64_t delay = delays[std::min<std::size_t>(i, 3)];
    EXPECT_GE(times[i + 1] - times[i], delay);
    EXPECT_LE(times[i + 1] - times[i], delay + 20) << "and the attempt itself";
  }
}

TEST(ReconnectsInSimulation, ShortenTheirDelaysAtRandomBySeed) {
  const Backoff backoff{.initial = 10s, .max = 10s, .jitter = 0.5};
  const std::vector<std::int64_t> times = failures(7, backoff, 1h);
  EXPECT_EQ(times, failures(7, backoff, 1h));
  EXPECT_NE(times, failures(8, backoff, 1h));
  std::int64_t least = 1'000'000, most = 0;
  for (std::size_t i = 0; i + 1 < times.size(); ++i) {
    least = std::min(least, times[i + 1] - times[i]);
    most = std::max(most, times[i + 1] - times[i]);
  }
  EXPECT_GE(least, 5000);
  EXPECT_LE(least, 5500);
  EXPECT_GE(most, 9500);
  EXPECT_LE(most, 10'020);
}

TEST(ReconnectsInSimulation, StartWithTheInitialDelayAfterALongConnection) {
  std::vector<std::int64_t> opened;
  Simulation sim(1, {});
  sim.serve({}, "tcp://:5000");
  // The first connections end immediately, the fourth after a minute.
  const Binding to =
      on("tcp://127.0.0.1:5000", {.opened = [&](Conn& c) {
           opened.push_back(sim.now() / 1ms);
           c.run_after(opened.size() == 4 ? 60s : 0s, [](Conn& done) { done.abort(); });
         }});
  sim.serve({.loop_started = [to](Loop& loop) {
    loop.emplace_context<Reconnecting>(
        loop, to, Backoff{.initial = 1s, .multiplier = 10, .jitter = 0, .reset_after = 30s});
  }});
  sim.run_for(10min);
  ASSERT_GE(opened.size(), 6U);
  const std::int64_t delays[] = {1000, 10'000, 30'000, 61'000, 10'000};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(opened[i + 1] - opened[i], delays[i], 30) << i;
}

}  // namespace
}  // namespace evio::test
