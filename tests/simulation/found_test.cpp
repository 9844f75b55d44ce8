// What random worlds found in the library, each made small.
#include <gtest/gtest.h>

#include <chrono>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <string>

namespace evio::test {
namespace {

using namespace std::chrono_literals;

TEST(Found, AFullServiceShutsAllItsDoors) {
  int open = 0, most = 0;
  Simulation sim(1);
  sim.serve({.limits = {.connections = 1},
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

TEST(Found, CongestionEndsWithALowWaterMarkOfNothing) {
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

// The kernel takes the answer at once; more input comes in the same batch.
TEST(Found, DrainedComesBeforeTheInputBehindIt) {
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

TEST(Found, CongestedAgainIsDrainedOnce) {
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

}  // namespace
}  // namespace evio::test
