// The simulation itself: what peers see and do, and that a seed determines everything.
#include <gtest/gtest.h>

#include <chrono>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <evio/simulation_search.hpp>
#include <vector>

namespace evio::test { namespace {

using namespace sim;

using namespace std::chrono_literals;

Events echo() {
  return {.data = [](Conn& c, Input& in) { c.write(in.take()); }};
}

TEST(Simulation, CarriesBytesBothWays) {
  Simulation sim(1);
  sim.serve(echo(), "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5000");
  peer.send("hello");
  sim.run_for(10s);
  EXPECT_TRUE(peer.connected());
  EXPECT_EQ(peer.received(), "hello");
  EXPECT_FALSE(peer.done());
  peer.shutdown_write();
  sim.run();
  EXPECT_TRUE(peer.ended());
  EXPECT_TRUE(peer.done());
  EXPECT_EQ(sim.open_sockets(), 0U);
}

TEST(Simulation, ServesUnixSocketsAndDatagrams) {
  Simulation sim(1);
  sim.serve(echo(), "unix:///run/app.sock", "udp://:5001");
  Peer& local = sim.connect("unix:///run/app.sock");
  Peer& datagrams = sim.connect("udp://:5001");
  local.send("local");
  datagrams.send("one");
  datagrams.send("two");
  sim.run_for(1s);
  EXPECT_EQ(local.received(), "local");
  EXPECT_EQ(datagrams.datagrams(), (std::vector<std::string>{"one", "two"}));
}

// The same Events object serves in several worlds, one after another.
TEST(Simulation, ServesEventsOwnedByTheUser) {
  std::size_t closed = 0, chosen = 0;
  Events events{.loops = 2,
                .balance = [&](std::span<const LoopLoad>, const Address&) { return ++chosen; },
                .limits = {.input_max = 3},
                .data = [](Conn& c, Input& in) { c.write(in.take(in.size() - 1)); },
                .closed = [&](Conn&, std::error_code) { ++closed; }};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Faults faults;
    evio::Simulation sim(seed, faults);
    sim.serve(events, "tcp://:5000");
    auto& peer = sim.connect("tcp://:5000");
    peer.send("hello");
    sim.run_for(10s);
    EXPECT_EQ(peer.received(), "hell");
    EXPECT_EQ(chosen, seed);
    peer.shutdown_write();
    sim.run_for(10s);
    EXPECT_EQ(closed, seed);
  }
}

TEST(Simulation, SleepDoesNotCountAsLag) {
  Simulation sim(1);
  Server& server = sim.serve({.data = [](Conn& c, Input& in) { c.write(in.take()); },
                              .tick = [] { return Tick{.delay = 1s, .action = Action::none}; }},
                             "tcp://:5000");
  sim.connect("tcp://:5000").send("hello");
  sim.run_for(1h);
  const Stats stats = server.stats();
  EXPECT_GT(stats.timers_run, 3000U);
  EXPECT_GT(stats.lag.count(), 3000U);
  EXPECT_LT(stats.lag.sum, 1ms) << "in the simulation handlers take no time";
  EXPECT_EQ(stats.messages, 1U);
}

TEST(Simulation, RefusesConnectionsWithoutAListener) {
  Simulation sim(1);
  sim.serve(echo(), "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5001");
  sim.run();
  EXPECT_EQ(peer.error(), std::errc::connection_refused);
  EXPECT_THROW(sim.serve(echo(), "tcp://:5000"), Error);
}

TEST(Simulation, APeerThatDoesNotReadAppliesBackPressure) {
  bool drained = false;
  Simulation sim(1);
  sim.serve({.opened = [](Conn& c) { EXPECT_FALSE(c.write(std::string(3 << 20, 'x'))); },
             .drained = [&] { drained = true; }},
            "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5000");
  peer.stop_reading();
  sim.run_for(60s);
  EXPECT_FALSE(drained);
  EXPECT_EQ(peer.received().size(), 0U);
  peer.start_reading();
  sim.run_for(60s);
  EXPECT_TRUE(drained);
  EXPECT_EQ(peer.received().size(), 3U << 20);
}

TEST(Simulation, AResetIsReportedAsAReset) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::error_code error;
    Simulation sim(seed);
    sim.serve({.data = [](Conn& c, Input&) { c.abort(); },
               .closed = [&](Conn&, std::error_code why) { error = why; }},
              "tcp://:5000");
    Peer& peer = sim.connect("tcp://:5000");
    sim.run_for(1s);
    peer.reset();
    sim.run();
    EXPECT_EQ(error, std::errc::connection_reset) << seed;
    Peer& other = sim.connect("tcp://:5000");
    other.send("abort");
    sim.run();
    EXPECT_EQ(other.error(), std::errc::connection_reset) << seed;
  }
}

TEST(Simulation, TimersRunAtTheirVirtualTimes) {
  Duration at{};
  Simulation sim(1);
  sim.serve({.loop_started =
                 [&](Loop& loop) {
                   const Duration from = sim.now();
                   loop.run_after(24h, [&, from] { at = sim.now() - from; });
                 }},
            "tcp://:5000");
  sim.run_for(48h);
  EXPECT_GE(at, 24h);
  EXPECT_LE(at, 24h + 1ms);
}

TEST(Simulation, AnExceptionWithoutAConnectionIsThrownByRun) {
  Simulation sim(1);
  sim.serve({.tick = []() -> Tick { throw std::runtime_error("oops"); }}, "tcp://:5000");
  EXPECT_THROW(sim.run(), std::runtime_error);
}

TEST(Simulation, AnExceptionInAHandlerClosesItsConnectionAndIsTraced) {
  std::vector<std::string> traced;
  Events events{
      .data = [](Conn&, Input&) { throw std::runtime_error("oops"); },
      .trace =
          [&](const Trace& trace) {
            traced.push_back(std::string(name_of(trace.what)) + ' ' + std::string(trace.message) +
                             (trace.error == Errc::handler_failed ? "handler_failed" : ""));
            throw std::runtime_error("nobody hears this");
          }};
  Simulation sim(1);
  Server& server = sim.serve(events, "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5000");
  peer.send("x");
  sim.run();
  EXPECT_EQ(traced, (std::vector<std::string>{"exception oops", "closed handler_failed"}));
  EXPECT_EQ(server.stats().closed_as(CloseReason::handler_failed), 1U);
  EXPECT_EQ(server.stats().exceptions, 1U);
}

TEST(Simulation, AScriptedPeerAnswers) {
  std::string said;
  Simulation sim(1);
  sim.serve({.opened = [](Conn& c) { c.write("name?"); },
             .data = [&](Conn&, Input& in) { said += in.take(); }},
            "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5000");
  peer.when_changed([](Peer& p) {
    if (p.received() != "name?") return;
    p.forget_received();
    p.send("evio");
  });
  sim.run();
  EXPECT_EQ(said, "evio");
}

TEST(Simulation, ADetachedSocketReachesThePeer) {
  Socket socket;
  Simulation sim(1);
  sim.serve({.data =
                 [](Conn&, Input& in) {
                   in.take(2);
                   return Action::detach;
                 },
             .detached = [&](Conn&, Socket own) { socket = std::move(own); }},
            "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5000");
  peer.send("hello");
  sim.run_for(1s);
  EXPECT_EQ(socket.buffered(), "llo");
  socket.write("by hand");
  sim.run_for(1s);
  EXPECT_EQ(peer.received(), "by hand");
  socket = Socket();
  sim.run_for(1s);
  EXPECT_TRUE(peer.ended());
}

// Bytes on their way in either direction are not lost.
TEST(Simulation, ADetachedSocketIsAdoptedAgain) {
  Socket socket;
  std::string heard;
  int closed = 0;
  Simulation sim(1);
  Server& server = sim.serve({.data = [](Conn&, Input&) { return Action::detach; },
                              .detached = [&](Conn&, Socket own) { socket = std::move(own); }},
                             "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5000");
  peer.send("one ");
  sim.run_for(1s);
  peer.send("two ");
  sim.run_for(1s);
  socket.write("by hand, ");
  peer.send("three");
  server.loop(0).post([&] {
    Conn* const adopted = server.loop(0).adopt(
        std::move(socket),
        on("tcp://10.0.0.1:1", {.data = [&](Conn&, Input& in) { heard += in.take(); },
                                .closed = [&](Conn&, std::error_code) { ++closed; }}));
    ASSERT_TRUE(adopted);
    adopted->write("then by a handler");
  });
  sim.run_for(1s);
  EXPECT_EQ(heard, "one two three");
  EXPECT_EQ(peer.received(), "by hand, then by a handler");
  peer.shutdown_write();
  sim.run_for(10s);
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(sim.open_sockets(), 0U);
}

TEST(Simulation, AnAdoptedSocketWhoseConnectionBrokeCloses) {
  Socket socket;
  std::error_code why;
  Simulation sim(1);
  Server& server = sim.serve({.opened = [](Conn&) { return Action::detach; },
                              .detached = [&](Conn&, Socket own) { socket = std::move(own); }},
                             "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5000");
  sim.run_for(1s);
  peer.reset();
  sim.run_for(1s);
  server.loop(0).post([&] {
    server.loop(0).adopt(
        std::move(socket),
        on("tcp://10.0.0.1:1", {.closed = [&](Conn&, std::error_code error) { why = error; }}));
  });
  sim.run_for(1s);
  EXPECT_EQ(why, std::errc::connection_reset);
  EXPECT_EQ(sim.open_sockets(), 0U);
}

TEST(Simulation, ARealSocketIsRejectedAndLeavesNothing) {
  Simulation sim(1);
  Server& server = sim.serve(echo(), "tcp://:5000");
  server.loop(0).post(
      [&] { EXPECT_THROW(server.loop(0).adopt(Socket(), on("tcp://10.0.0.1:1", {})), Error); });
  sim.run_for(1s);
  EXPECT_EQ(server.stats().open, 0U);
}

std::string traced(std::uint64_t seed) {
  Simulation sim(seed, Faults::swarm(seed));
  sim.record_trace();
  sim.serve({.loops = 3, .data = [](Conn& c, Input& in) { c.write(in.take()); }}, "tcp://:5000");
  for (int i = 0; i < 20; ++i) sim.connect("tcp://:5000").send(std::string(sim.random(5000), 'x'));
  sim.run_for(1min);
  return sim.trace() + std::to_string(sim.fingerprint());
}

TEST(Simulation, TheSameSeedGivesTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) EXPECT_EQ(traced(seed), traced(seed));
  EXPECT_NE(traced(1), traced(2));
}

TEST(Simulation, AllFaultsHappen) {
  SimulationStats total;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Simulation sim(seed, Faults::swarm(seed));
    sim.serve({.loops = 2,
               .limits = {.connections_max = 3},
               .data =
                   [](Conn& c, Input& in) {
                     c.write(in.take());
                     c.pause();
                     c.run_after(1ms, [](Conn& later) { later.resume(); });
                   }},
              "tcp://:5000", "udp://:5001");
    for (int i = 0; i < 10; ++i) {
      sim.connect("tcp://:5000").send(std::string(1000, 'x'));
      sim.connect("udp://:5001").send("x");
    }
    sim.run_for(1min);
    for (std::size_t i = 0; i < fault_count; ++i) total.faults[i] += sim.stats().faults[i];
  }
  for (std::size_t i = 0; i < fault_count; ++i)
    EXPECT_GT(total.faults[i], 0U) << name(static_cast<Fault>(i));
}

TEST(SimulationSearch, ShrinksAFailingWorkload) {
  const auto make = [](std::uint64_t seed) {
    std::vector<int> steps;
    for (std::uint64_t i = 0; i < 50; ++i) steps.push_back(static_cast<int>((seed + i * 7) % 50));
    return steps;
  };
  const auto run = [](std::uint64_t, const std::vector<int>& steps) -> std::string {
    const bool three = std::find(steps.begin(), steps.end(), 3) != steps.end();
    const bool four = std::find(steps.begin(), steps.end(), 4) != steps.end();
    return three && four ? "three and four" : "";
  };
  const auto failure = search({.first_seed = 9}, make, run);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->seed, 9U);
  EXPECT_EQ(failure->steps.size(), 2U);
  EXPECT_FALSE(search({.seeds = 5}, make,
                      [](std::uint64_t, const std::vector<int>&) { return std::string(); }));
}

}  // namespace
}  // namespace evio::test
