// A server without work uses no processor time: it wakes up once per event, also with a tick, after
// wakes, and beside stalled peers.
#include <atomic>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class IdleCostsNothing : public Behaviour {};
EVIO_ON_EVERY_BACKEND(IdleCostsNothing);

constexpr auto watched = 200ms;

struct Cost {
  std::chrono::nanoseconds time;  // of the measurement: longer than requested on a busy machine
  std::chrono::nanoseconds cpu;
  std::uint64_t waits;    // voluntary switches of all the server's threads
  std::uint64_t wakeups;  // as counted by the server
};

using Count = std::atomic<std::uint64_t>;
const Count none{0};

// Waits until the work in progress has ended, except for what is measured. On a busy machine a
// thread may wait long for the processor.
void let_it_rest(TestServer& server, const Count& ticks = none) {
  const auto surplus = [&] { return server->stats().wakeups - ticks; };
  const auto rests = [&] {
    const std::uint64_t before = surplus();
    std::this_thread::sleep_for(20ms);
    return surplus() == before;
  };
  EXPECT_TRUE(eventually([&] { return rests() && rests() && rests(); }));
}

// What the server uses while nothing happens but its own ticks.
Cost cost_of(TestServer& server, const Count& ticks = none) {
  let_it_rest(server, ticks);
  const auto threads = server.threads();
  const auto start = std::chrono::steady_clock::now();
  const Usage before = usage(threads);
  const std::uint64_t wakeups_before = server->stats().wakeups;
  std::this_thread::sleep_for(watched);
  const Usage used = usage(threads) - before;
  const std::uint64_t wakeups = server->stats().wakeups - wakeups_before;
  return {std::chrono::steady_clock::now() - start, used.cpu, used.waits, wakeups};
}

// A spinning loop would use most of the time; a loop that woke up ten times a second would cause
// two wake-ups of each thread.
void expect_idle(const Cost& cost, std::uint64_t events = 0) {
  EXPECT_LT(cost.cpu, cost.time / 5);
#if !EVIO_TEST_SANITIZED  // a sanitizer's own thread wakes up, too
  EXPECT_LE(cost.waits, events + 1);
#endif
  EXPECT_LE(cost.wakeups, events + 1);
}

TEST_P(IdleCostsNothing, WithoutConnections) {
  TestServer server = serve(echo());
  expect_idle(cost_of(server));
}

TEST_P(IdleCostsNothing, AfterWakesPostsAndTraffic) {
  HandleSlot handle;
  TestServer server = serve({.opened = [&](Conn& c) { handle.put(c); },
                             .data = [](Conn& c, Input& in) { c.write(in.take()); }});
  Client client = server.connect();
  echo_through(client, "x");
  for (int i = 0; i < loops(); ++i) server.on_loop(i, [] {});
  handle.get().wake();
  wait_for_pending(*handle);
  expect_idle(cost_of(server));
}

TEST_P(IdleCostsNothing, WithATick) {
  Count ticks{0};
  TestServer server = serve({.tick = [&] {
    ++ticks;
    return Tick{20ms};
  }});
  const Cost cost = cost_of(server, ticks);
  expect_idle(cost, static_cast<std::uint64_t>(cost.time / 20ms));
}

TEST_P(IdleCostsNothing, WithFarTimersAndDeadlines) {
  TestServer server = serve(
      {.options = {.idle_timeout = std::chrono::hours(1)},
       .loop_started = [](Loop& loop) { loop.run_after(std::chrono::hours(24 * 365), [] {}); },
       .opened = [](Conn& c) { c.run_after(std::chrono::minutes(10), [] {}); },
       .data = [](Conn& c, Input& in) { c.write(in.take()); }});
  Client client = server.connect();
  echo_through(client, "x");
  expect_idle(cost_of(server));
}

TEST_P(IdleCostsNothing, AWakeCostsOneWakeUp) {
  HandleSlot handle;
  TestServer server = serve(
      {.opened = [&](Conn& c) { handle.put(c); }, .data = [](Conn& c, Input&) { c.write("!"); }});
  Client client = server.connect();
  const Handle name = *handle;
  name.wake();
  client.receive(1);
  let_it_rest(server);
  const std::uint64_t before = server->stats().wakeups;
  for (int i = 0; i < 100; ++i) {
    name.wake();
    client.receive(1);
  }
  EXPECT_LE(server->stats().wakeups - before, 101U);
}

TEST_P(IdleCostsNothing, BesideAPeerThatDoesNotRead) {
  EventLog log;
  TestServer server = serve({.options = {.send_buffer = 8192}, .data = [&](Conn& c, Input& in) {
                               in.take();
                               c.write(pattern(8 * mib));
                               log.add("written");
                             }});
  Client client = server.connect(tiny);
  client.send("x");
  ASSERT_TRUE(log.wait_for("written"));
  client.send("and input that nobody reads now");
  expect_idle(cost_of(server));
}

TEST_P(IdleCostsNothing, BesideAClosingPeerThatDoesNotRead) {
  EventLog log;
  TestServer server = serve({.limits = {.drain_timeout = std::chrono::hours(1)},
                             .options = {.send_buffer = 8192},
                             .opened = [&](Conn& c) {
                               c.write(pattern(8 * mib));
                               log.add("written");
                               return Action::close;
                             }});
  Client client = server.connect(tiny);
  ASSERT_TRUE(log.wait_for("written"));
  expect_idle(cost_of(server));
  client.receive_rest();
}

TEST_P(IdleCostsNothing, BesideAPausedConnectionWithInputWaiting) {
  EventLog log;
  TestServer server = serve({.data = [&](Conn& c, Input&) {
    c.pause();
    log.add("data");
  }});
  Client client = server.connect();
  client.send("1");
  ASSERT_TRUE(log.wait_for("data"));
  client.send("2");
  expect_idle(cost_of(server));
}

TEST_P(IdleCostsNothing, BesideAPausedConnectionWhosePeerHasEnded) {
  EventLog log;
  TestServer server = serve({.data = [&](Conn& c, Input&) {
    c.pause();
    c.shutdown_write();
    log.add("data");
  }});
  Client client = server.connect();
  client.send("1");
  ASSERT_TRUE(log.wait_for("data"));
  EXPECT_EQ(client.receive_rest().error, 0);
  client.shutdown_write();  // both directions have ended: a level-triggered descriptor reports a
                            // hang-up for ever
  expect_idle(cost_of(server));
}

TEST_P(IdleCostsNothing, BesideAHalfClosedConnectionThatStaysOpen) {
  EventLog log;
  TestServer server = serve({.ended = [&] { log.add("ended"); }});
  Client client = server.connect();
  client.shutdown_write();
  ASSERT_TRUE(log.wait_for("ended"));
  expect_idle(cost_of(server));
}

TEST_P(IdleCostsNothing, BesideUntakenInput) {
  EventLog log;
  TestServer server = serve({.data = [&] { log.add("data"); }});
  Client client = server.connect();
  client.send("an incomplete request");
  ASSERT_TRUE(log.wait_for("data"));
  expect_idle(cost_of(server));
  EXPECT_EQ(log.size(), 1U);
}

TEST_P(IdleCostsNothing, EvenWhenBusyPollingIsOnAndThereIsNoWork) {
  Events events = echo();
  events.busy_poll = 1ms;
  TestServer server = serve(std::move(events));
  Client client = server.connect();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(echo_through(client, "x"), "x");
  expect_idle(cost_of(server));
}

}  // namespace
}  // namespace evio::test
