// Timers run on their loop's thread, in order, never early, and not at all once cancelled.
#include <atomic>
#include <memory>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Timers : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Timers);

using Clock = std::chrono::steady_clock;

std::shared_ptr<void> logs_death(EventLog& log, std::string event) {
  return {&log, [event = std::move(event)](EventLog* to) { to->add(event); }};
}

TEST_P(Timers, NeverRunEarlyAndInOrder) {
  EventLog log;
  TestServer server = serve({});
  Loop& loop = server->loop(loops() - 1);
  server.on_loop(loop.index(), [&] {
    const auto start = Clock::now();
    for (const int ms : {30, 1, 20, 0, 10, 2})
      loop.run_after(std::chrono::milliseconds(ms), [&log, start, ms] {
        EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(ms)) << "early";
        log.add(std::to_string(ms));
      });
    EXPECT_EQ(log.size(), 0U) << "not inside the call";
  });
  ASSERT_TRUE(log.wait_for("30"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"0", "1", "2", "10", "20", "30"}));
}

TEST_P(Timers, SetBeforeRunAreNotEarly) {
  EventLog log;
  Server server(as_set_up({}), "tcp://127.0.0.1:0");
  const auto start = Clock::now();
  const auto since = [&](auto fn) { return [=] { fn(Clock::now() - start); }; };
  Loop& loop = server.loop(0);
  Timer first = loop.run_after(10ms, since([&](auto passed) {
                                 EXPECT_GE(passed, 10ms) << "early";
                                 log.add("once");
                               }));
  loop.run_every(20ms, since([&](auto passed) {
                   EXPECT_GE(passed, 20ms) << "early";
                   log.add("every");
                 }));
  loop.run_after(0s, [&] { log.add("at once"); });
  loop.run_after(0s, [&] { log.add("cancelled"); }).cancel();
  loop.run_after(30ms, [&] { server.shutdown(); });
  EXPECT_TRUE(first.active());
  EXPECT_EQ(log.size(), 0U);
  server.run();
  std::vector<std::string> events = log.events();
  ASSERT_GE(events.size(), 3U);
  events.resize(3);  // "every" may have run again, if the thread did not run for a while
  EXPECT_EQ(events, (std::vector<std::string>{"at once", "once", "every"}));
  EXPECT_FALSE(loop.run_after(0s, [] {}).active());
}

TEST_P(Timers, WithTheSameDeadlineRunInOrderOfCreation) {
  EventLog log;
  TestServer server = serve({});
  server.on_loop(0, [&] {
    for (int i = 0; i < 50; ++i)
      server->loop(0).run_after(0s, [&log, i] { log.add(std::to_string(i)); });
  });
  ASSERT_TRUE(log.wait_for("49"));
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(log.events()[i], std::to_string(i));
}

TEST_P(Timers, ManyRunEachOnceAndNoneEarly) {
  std::atomic<int> ran{0}, early{0};
  TestServer server = serve({});
  server.on_loop(0, [&] {
    const auto start = Clock::now();
    for (int i = 0; i < 5000; ++i) {
      const auto delay = std::chrono::microseconds((i * 7919) % 50'000);
      server->loop(0).run_after(delay, [&, start, delay] {
        if (Clock::now() - start < delay) ++early;
        ++ran;
      });
    }
  });
  EXPECT_TRUE(eventually([&] { return ran == 5000; }));
  EXPECT_EQ(early, 0);
}

TEST_P(Timers, ACancelledTimerNeverRuns) {
  EventLog log;
  TestServer server = serve({});
  server.on_loop(0, [&] {
    Loop& loop = server->loop(0);
    Timer timer =
        loop.run_after(1ms, [&log, held = logs_death(log, "destroyed")] { log.add("ran"); });
    EXPECT_TRUE(timer.active());
    Timer same = timer;
    same.cancel();
    EXPECT_FALSE(timer.active());
    timer.cancel();
    timer.restart(1ms);
    EXPECT_FALSE(timer.active());
    loop.run_after(20ms, [&] { log.add("later"); });
  });
  ASSERT_TRUE(log.wait_for("later"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"destroyed", "later"}));
}

TEST_P(Timers, DestroyingATimerObjectCancelsNothing) {
  EventLog log;
  Timer timer;
  EXPECT_FALSE(timer.active());
  timer.cancel();
  TestServer server = serve({});
  server.on_loop(0, [&] {
    server->loop(0).run_after(1ms, [&] { log.add("unnamed"); });
    timer = server->loop(0).run_after(2ms, [&] { log.add("named"); });
  });
  ASSERT_TRUE(log.wait_for("unnamed"));
  ASSERT_TRUE(log.wait_for("named"));
  server.on_loop(0, [&] {
    EXPECT_FALSE(timer.active());
    timer.cancel();
    timer.restart(0s);
    // The old Timer does not refer to the next user of its slot.
    const Timer next = server->loop(0).run_after(5ms, [&] { log.add("next"); });
    timer.cancel();
    EXPECT_TRUE(next.active());
  });
  EXPECT_TRUE(log.wait_for("next"));
  server.stop();
  timer.cancel();
  EXPECT_FALSE(timer.active());
}

TEST_P(Timers, MayCancelOrRestartThemselvesWhileTheyRun) {
  EventLog log;
  TestServer server =
      serve({.loop_started = [](Loop& loop) { loop.emplace_context<std::vector<Timer>>(3); }});
  server.on_loop(0, [&] {
    Loop& loop = server->loop(0);
    auto& timers = *loop.context<std::vector<Timer>>();
    timers[0] = loop.run_after(1ms, [&log, &timers, held = logs_death(log, "one died")] {
      timers[0].cancel();
      log.add("one");
    });
    timers[1] = loop.run_after(
        1ms, [&log, &timers, times = 0, held = logs_death(log, "two died")]() mutable {
          EXPECT_EQ(held.use_count(), 1) << "its captures live while it runs";
          log.add("two");
          if (++times < 3) timers[1].restart(1ms);
        });
    timers[2] = loop.run_every(
        1ms, [&log, &timers, times = 0, held = logs_death(log, "three died")]() mutable {
          log.add("three");
          if (++times == 3) timers[2].cancel();
        });
  });
  ASSERT_TRUE(log.wait_for("one died"));
  ASSERT_TRUE(log.wait_for("two died"));
  ASSERT_TRUE(log.wait_for("three died"));
  EXPECT_EQ(log.count("one"), 1U);
  EXPECT_EQ(log.count("two"), 3U);
  EXPECT_EQ(log.count("three"), 3U);
}

TEST_P(Timers, RestartMovesTheDeadline) {
  EventLog log;
  TestServer server = serve({});
  server.on_loop(0, [&] {
    Loop& loop = server->loop(0);
    Timer sooner = loop.run_after(std::chrono::hours(1), [&] { log.add("sooner"); });
    sooner.restart(1ms);
    Timer later = loop.run_after(1ms, [&] { log.add("later"); });
    later.restart(30ms);
    loop.run_after(10ms, [&] { log.add("between"); });
  });
  ASSERT_TRUE(log.wait_for("later"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"sooner", "between", "later"}));
}

TEST_P(Timers, RunEverySkipsMissedPeriods) {
  std::atomic<int> ran{0};
  Clock::time_point start;
  Timer timer;
  TestServer server = serve({});
  server.on_loop(0, [&] {
    start = Clock::now();
    timer = server->loop(0).run_every(5ms, [&] {
      if (++ran == 1) std::this_thread::sleep_for(30ms);
    });
  });
  ASSERT_TRUE(eventually([&] { return ran >= 4; }));
  server.on_loop(0, [&] {
    timer.cancel();
    EXPECT_LE(ran, (Clock::now() - start) / 5ms - 5 + 1) << "missed ones are skipped";
  });
  const int then = ran;
  std::this_thread::sleep_for(15ms);
  EXPECT_EQ(ran, then);
}

TEST_P(Timers, OfAConnectionAreCancelledWhenItCloses) {
  EventLog log;
  TestServer server = serve(
      {.opened =
           [&](Conn& c) {
             c.run_after(1ms, [&log](Conn& conn) {
               EXPECT_TRUE(conn.is_open());
               log.add("first");
             });
             c.run_after(std::chrono::hours(1),
                         [&log, held = logs_death(log, "destroyed")](Conn&) { log.add("ran"); });
             c.run_after(5ms, [](Conn& conn) { conn.write("timed"); });
           },
       .closed = [&] { log.add("closed"); }});
  Client client = server.connect();
  EXPECT_EQ(client.receive(5), "timed");
  client.close();
  ASSERT_TRUE(log.wait_for("destroyed"));
  EXPECT_EQ(log.count("first"), 1U);
  EXPECT_EQ(log.count("ran"), 0U);
}

TEST_P(Timers, AcceptAnyDelay) {
  EventLog log;
  TestServer server = serve({});
  server.on_loop(0, [&] {
    Loop& loop = server->loop(0);
    loop.run_after(Duration::max(), [&] { log.add("at the end of time"); });
    loop.run_after(std::chrono::hours(24 * 365 * 100), [&] { log.add("in a hundred years"); });
    loop.run_every(Duration::max(), [&] { log.add("at the end of time"); });
    loop.run_after(Duration::min(), [&] { log.add("now"); });
    loop.run_after(-1s, [&] { log.add("now"); });
  });
  ASSERT_TRUE(log.wait_for("now", 2));
  std::this_thread::sleep_for(10ms);
  EXPECT_EQ(log.size(), 2U);
}

TEST_P(Timers, MayStartAndCancelOtherTimers) {
  EventLog log;
  TestServer server = serve({});
  server.on_loop(0, [&] {
    Loop& loop = server->loop(0);
    Timer victim = loop.run_after(3ms, [&] { log.add("victim"); });
    loop.run_after(1ms, [&log, &loop, victim]() mutable {
      victim.cancel();
      loop.run_after(0s, [&log, &loop] {
        log.add("second");
        loop.run_after(10ms, [&log] { log.add("third"); });
      });
      log.add("first");
    });
  });
  ASSERT_TRUE(log.wait_for("third"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"first", "second", "third"}));
}

TEST_P(Timers, AreNotDelayedByBusyPolling) {
  for (const Duration longest : {Duration(1h), Duration::max()}) {
    EventLog log;
    Events events = echo();
    events.busy_poll = longest;
    events.opened = [&](Conn& c) { c.run_after(20ms, [&] { log.add("timer"); }); };
    TestServer server = serve(std::move(events));
    Client client = server.connect();
    EXPECT_EQ(echo_through(client, "work"), "work");
    EXPECT_TRUE(log.wait_for("timer"));
  }
}

}  // namespace
}  // namespace evio::test
