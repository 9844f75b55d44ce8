// A server's timers: armed, cancelled and restarted from any thread, run on loop 0.
#include <atomic>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class ServerTimers : public Behaviour {};
EVIO_ON_EVERY_BACKEND(ServerTimers);

TEST_P(ServerTimers, RunOnLoop0NeverEarly) {
  EventLog log;
  std::thread::id loop0;
  TestServer server = serve({.serving = [&] { loop0 = std::this_thread::get_id(); }});
  const auto start = std::chrono::steady_clock::now();
  server->run_after(30ms, [&] {
    EXPECT_EQ(std::this_thread::get_id(), loop0);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 30ms);
    log.add("ran");
  });
  EXPECT_TRUE(log.wait_for("ran"));
}

TEST_P(ServerTimers, CancelledTimersDoNotRun) {
  EventLog log;
  TestServer server = serve(Events{});
  const ServerTimer timer = server->run_after(20ms, [&] { log.add("cancelled"); });
  timer.cancel();
  server->run_after(40ms, [&] { log.add("ran"); });
  EXPECT_TRUE(log.wait_for("ran"));
  EXPECT_EQ(log.count("cancelled"), 0U);
}

TEST_P(ServerTimers, RestartedTimersRunLater) {
  EventLog log;
  TestServer server = serve(Events{});
  const ServerTimer timer = server->run_after(1h, [&] { log.add("ran"); });
  timer.restart(1ms);
  EXPECT_TRUE(log.wait_for("ran"));
}

TEST_P(ServerTimers, PeriodicTimersRunUntilCancelled) {
  std::atomic<int> runs{0};
  TestServer server = serve(Events{});
  const ServerTimer timer = server->run_every(2ms, [&] { ++runs; });
  EXPECT_TRUE(eventually([&] { return runs >= 5; }));
  timer.cancel();
  server->loop(0).post([&] { runs = 0; });
  EXPECT_TRUE(eventually([&] { return runs == 0; }));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(runs, 0);
}

TEST_P(ServerTimers, MayBeUsedAfterTheServerHasEnded) {
  ServerTimer timer;
  {
    TestServer server = serve(Events{});
    timer = server->run_after(1h, [] {});
  }
  timer.restart(1ms);
  timer.cancel();
  ServerTimer().cancel();
}

}  // namespace
}  // namespace evio::test
