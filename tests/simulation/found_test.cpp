// Faults of the library that random worlds found, each reduced to a small test.
#include <gtest/gtest.h>

#include <chrono>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <string>
#include <vector>

namespace evio::test { namespace {

using namespace sim;

using namespace std::chrono_literals;

TEST(FoundByRandomWorlds, AFullServiceStopsAcceptingOnAllItsListeners) {
  int open = 0, most = 0;
  Simulation sim(1);
  sim.serve({.limits = {.connections_max = 1},
             .opened = [&] { most = std::max(most, ++open); },
             .closed = [&](Conn&, std::error_code) { --open; }},
            "tcp://:5000", "tcp://:5001", "unix:///run/app.sock");
  Peer* const peers[] = {&sim.connect("tcp://:5000"), &sim.connect("tcp://:5001"),
                         &sim.connect("unix:///run/app.sock")};
  sim.run_for(1s);
  EXPECT_EQ(most, 1);
  for (Peer* peer : peers) peer->shutdown_write();
  sim.run();
  EXPECT_EQ(most, 1);
  for (Peer* peer : peers) EXPECT_TRUE(peer->ended());
}

TEST(FoundByRandomWorlds, CongestionEndsWithALowWaterMarkOfZero) {
  int drained = 0;
  std::string heard;
  Simulation sim(1);
  sim.serve({.limits = {.output_high = 0, .output_low = 0},
             .opened = [](Conn& c) { EXPECT_FALSE(c.write("hello")); },
             .data = [&](Conn&, Input& in) { heard += in.take(); },
             .drained = [&] { ++drained; }},
            "tcp://:5000");
  sim.connect("tcp://:5000").send("heard");
  sim.run();
  EXPECT_EQ(drained, 1);
  EXPECT_EQ(heard, "heard");
}

// The kernel accepts the reply immediately; more input arrives in the same batch.
TEST(FoundByRandomWorlds, DrainedPrecedesInputThatArrivedLater) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    bool congested = false;
    Simulation sim(seed, {.short_read = 0.9, .late_receive = 0.5});
    sim.serve({.limits = {.output_high = 10, .output_low = 10},
               .data =
                   [&](Conn& c, Input& in) {
                     EXPECT_FALSE(congested) << "seed " << seed;
                     in.take(in.size() / 2 + 1);
                     congested = !c.write("more than ten bytes");
                   },
               .drained = [&] { congested = false; }},
              "tcp://:5000");
    sim.connect("tcp://:5000").send(std::string(100, 'x'));
    sim.run();
  }
}

TEST(FoundByRandomWorlds, CongestionTwiceCallsDrainedOnce) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    int refused = 0;
    Handle handle;
    Simulation sim(seed, {.short_write = 0.5, .late_send = 0.5});
    sim.serve({.limits = {.output_high = 50, .output_low = 40},
               .opened = [&](Conn& c) { handle = c.handle(); },
               .data =
                   [&](Conn& c, Input& in) {
                     in.take();
                     if (!c.write(std::string(60, 'x'))) ++refused;
                   },
               .drained =
                   [&](Conn& c) {
                     EXPECT_GT(refused, 0) << "seed " << seed;
                     EXPECT_LT(c.pending_output(), 50U) << "seed " << seed;
                     refused = 0;
                   }},
              "tcp://:5000");
    Peer& peer = sim.connect("tcp://:5000");
    for (int i = 0; i < 10; ++i) {
      peer.send("x");
      sim.run_for(100us);
      handle.post([&](Conn& c) {
        if (!c.write(std::string(60, 'y'))) ++refused;
      });
    }
    sim.run();
  }
}

// The first send is sent immediately; what its callback writes is not.
TEST(FoundByRandomWorlds, RenewedCongestionPostponesDrained) {
  int drained = 0;
  Conn* conn = nullptr;
  Simulation sim(1);
  sim.serve({.limits = {.output_high = 10, .output_low = 10},
             .opened = [&](Conn& c) { conn = &c; },
             .drained = [&] { ++drained; }},
            "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5000");
  peer.stop_reading();
  sim.run_for(1s);
  ASSERT_TRUE(conn);
  conn->handle().send(SharedBytes("more than ten bytes"),
                      [&] { EXPECT_FALSE(conn->write(std::string(1 << 20, 'x'))); });
  sim.run_for(1s);
  EXPECT_EQ(drained, 0);
  peer.start_reading();
  sim.run_for(1s);
  EXPECT_EQ(drained, 1);
}

// Each reply causes congestion, and is sent immediately.
TEST(FoundByRandomWorlds, AllMessagesArePassedBeforeTheEnd) {
  std::vector<std::string> shown;
  Simulation sim(1);
  sim.serve({.limits = {.output_high = 0, .output_low = 0},
             .codec = codec::Lines(),
             .data =
                 [&](Conn& c, Input& in) {
                   shown.emplace_back(in.view());
                   c.write(in.take());
                 },
             .ended = [&] { shown.emplace_back("end"); }},
            "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5000");
  peer.send("one\ntwo\nthree\nfour\n");
  peer.shutdown_write();
  sim.run_for(1s);
  EXPECT_EQ(shown, (std::vector<std::string>{"one", "two", "three", "four", "end"}));
}

// Sends that arrive while it waits for its output are dropped.
TEST(FoundByRandomWorlds, ASendDuringADetachIsReported) {
  std::vector<std::string> events;
  Handle handle;
  Simulation sim(1);
  sim.serve({.opened =
                 [&](Conn& c) {
                   handle = c.handle();
                   c.write(std::string(1 << 20, 'x'));
                   return Action::detach;
                 },
             .detached = [&](Conn&, Socket) { events.emplace_back("detached"); }},
            "tcp://:5000");
  Peer& peer = sim.connect("tcp://:5000");
  peer.stop_reading();
  sim.run_for(1s);
  handle.send(SharedBytes("late"),
              [&](std::error_code error) { events.push_back(error ? "lost" : "sent"); });
  sim.run_for(1s);
  peer.start_reading();
  sim.run_for(1s);
  EXPECT_EQ(events, (std::vector<std::string>{"lost", "detached"}));
  EXPECT_EQ(peer.received().size(), 1U << 20);
}

// A post by `closed` in the loop's last iteration, for a connection that was still connecting,
// runs.
TEST(FoundByRandomWorlds, APostInTheLastClosedHandlerRuns) {
  int closed = 0, ran = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Simulation sim(seed);
    Server& client = sim.serve({});
    client.connect(on("tcp://localhost:6000", {.closed = [&](Conn& c, std::error_code) {
                        ++closed;
                        EXPECT_TRUE(c.loop().post([&] { ++ran; }));
                      }}));
    sim.run_for(20us);  // its name is being resolved
    client.shutdown();
    sim.run_for(1s);
  }
  EXPECT_GT(closed, 10);
  EXPECT_EQ(ran, closed);
}

}  // namespace
}  // namespace evio::test
