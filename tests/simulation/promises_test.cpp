// Deadlines, balance and fairness, exact to the millisecond and to the connection: random worlds
// can check only bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "support/process.hpp"

namespace evio::test { namespace {

using namespace sim;

using namespace std::chrono_literals;

// A kernel that is a little late with everything.
constexpr Faults unhelpful{
    .short_read = 0.3, .short_write = 0.3, .late_send = 0.3, .late_receive = 0.3};

/// When the only connection of a world closed, counted from `from`, and why.
struct End {
  Duration from{};
  std::optional<Duration> after{};
  std::error_code why{};

  void expect(Duration earliest, std::error_code reason) const {
    ASSERT_TRUE(after);
    EXPECT_GE(*after, earliest);
    EXPECT_LE(*after, earliest + 10ms);
    EXPECT_EQ(why, reason);
  }
};

template <class Fn>
void for_seeds(Fn fn) {
  for (std::uint64_t seed = 1; seed <= (sanitized ? 6 : 20); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    End end;
    Simulation sim(seed, seed % 2 == 0 ? unhelpful : Faults::none());
    fn(sim, end, [&sim, &end](Conn&, std::error_code error) {
      end.after = sim.now() - end.from;
      end.why = error;
    });
  }
}

// Every other accept fails for lack of a resource: it is retried soon, so that no connection waits
// for long.
TEST(Accepting, ResumesSoonAfterAShortage) {
  Simulation sim(1, {.accept_error = 0.5});
  int opened = 0;
  sim.serve({.opened = [&] { ++opened; }}, "tcp://:1");
  for (int i = 0; i < 200; ++i) sim.connect("tcp://:1");
  sim.run_for(2s);
  EXPECT_EQ(opened, 200);
}

TEST(Accepting, BacksOffDuringAShortage) {
  Simulation sim(1, {.accept_error = 1});
  Server& server = sim.serve({}, "tcp://:1");
  sim.connect("tcp://:1");
  sim.run_for(10s);
  EXPECT_GE(server.stats().accept_pauses, 100U);
  EXPECT_LE(server.stats().accept_pauses, 110U);
}

TEST(Deadlines, AnIdleConnectionIsClosed) {
  for_seeds([](Simulation& sim, End& end, auto closed) {
    sim.serve(
        {.options = {.idle_timeout = 3s}, .data = [&] { end.from = sim.now(); }, .closed = closed},
        "tcp://:1");
    Peer& peer = sim.connect("tcp://:1");
    for (int i = 0; i < 4; ++i) {
      peer.send("x");
      sim.run_for(2s);
    }
    EXPECT_FALSE(end.after);
    sim.run_for(10s);
    end.expect(3s, Errc::idle_timeout);
  });
}

// The process is stopped for seconds, and handlers take as long: the peer must not be closed for
// it.
constexpr Faults late{
    .short_read = 0.2, .late_event = 0.3, .process_stop = 0.02, .slow_handler = 0.05};

TEST(Deadlines, APeerThatSendsInTimeIsNotIdle) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::vector<std::string> closed;
    Simulation sim(seed, late);
    sim.serve({.limits = {.first_bytes_timeout = 1s},
               .options = {.idle_timeout = 1s},
               .data = [](Conn& c, Input& in) { c.write(in.take()); },
               .closed = [&](Conn&, std::error_code error) { closed.push_back(error.message()); }},
              "tcp://:1");
    std::vector<Peer*> peers;
    for (int i = 0; i < 5; ++i) peers.push_back(&sim.connect("tcp://:1"));
    for (int i = 0; i < 50; ++i)
      sim.run_after(i * 400ms, [&peers] {
        for (Peer* peer : peers) peer->send("x");
      });
    sim.run_for(20s);
    ASSERT_EQ(closed, std::vector<std::string>()) << "seed " << seed;
  }
}

// Each peer sends a while after the reply, which is sent late.
TEST(Deadlines, TheTimeOfAHandlerIsNotCountedAsIdle) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::size_t closed = 0;
    Simulation sim(seed, {.late_send = 0.3, .process_stop = 0.02, .slow_handler = 0.2});
    sim.serve({.options = {.idle_timeout = 1s},
               .data = [](Conn& c, Input& in) { c.write(in.take()); },
               .closed = [&](Conn&, std::error_code) { ++closed; }},
              "tcp://:1");
    for (int i = 0; i < 5; ++i) {
      Peer& peer = sim.connect("tcp://:1");
      peer.when_changed([&sim](Peer& self) { sim.run_after(600ms, [&self] { self.send("x"); }); });
      peer.send("x");
    }
    sim.run_for(60s);
    ASSERT_EQ(closed, 0U) << "seed " << seed;
  }
}

TEST(Deadlines, AStalledLoopDoesNotMakeAReaderSlow) {
  for (std::uint64_t seed = 1; seed <= (sanitized ? 6 : 50); ++seed) {
    std::size_t closed = 0;
    Simulation sim(seed, {.late_send = 0.3, .process_stop = 0.0005});
    sim.serve({.limits = {.output_high = 4 << 20, .output_low = 4 << 20, .slow_reader_timeout = 1s},
               .opened = [](Conn& c) { c.write(std::string(16 << 20, 'x')); },
               .closed = [&](Conn&, std::error_code) { ++closed; }},
              "tcp://:1");
    Peer& peer = sim.connect("tcp://:1");
    sim.run_for(10min);
    ASSERT_EQ(closed, 0U) << "seed " << seed;
    ASSERT_EQ(peer.received().size(), std::size_t{16} << 20) << "seed " << seed;
  }
}

TEST(Deadlines, FirstBytesTimeoutSparesConnectionsThatAreNotRead) {
  for_seeds([](Simulation& sim, End&, auto closed) {
    std::string shown;
    sim.serve({.limits = {.output_high = 1000, .output_low = 500, .first_bytes_timeout = 1s},
               .opened = [](Conn& c) { c.write(std::string(1 << 20, 'x')); },
               .data = [&](Conn&, Input& in) { shown += in.take(); },
               .closed = closed},
              "tcp://:1");
    Peer& peer = sim.connect("tcp://:1");
    peer.stop_reading();
    peer.send("x");
    sim.run_for(5s);
    peer.start_reading();
    sim.run_for(5s);
    EXPECT_EQ(shown, "x");
  });
}

TEST(Deadlines, AConnectThatCompletedDuringAStallSucceeds) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::size_t opened = 0, closed = 0;
    Simulation sim(seed, late);
    sim.serve({}, "tcp://127.0.0.1:6000");
    const Binding to =
        on("tcp://127.0.0.1:6000", {.limits = {.connect_timeout = 100ms},
                                    .opened = [&] { ++opened; },
                                    .closed = [&](Conn&, std::error_code) { ++closed; }});
    Server& server = sim.serve({}, "tcp://:1");
    for (int i = 0; i < 20; ++i) {
      server.loop(0).post([&] { server.loop(0).connect(to); });
      sim.run_for(500ms);
    }
    sim.run_for(10s);
    ASSERT_EQ(opened, 20U) << "seed " << seed;
    ASSERT_EQ(closed, 0U) << "seed " << seed;
  }
}

TEST(Deadlines, MayBeMonthsAndYears) {
  constexpr auto day = std::chrono::hours(24);
  for (const int days : {24, 25, 30, 50, 400, 10'000}) {
    for (const Duration step : {Duration(day * days / 50), Duration(day * days * 2)}) {
      Simulation sim(1);
      Duration closed{};
      sim.serve({.options = {.idle_timeout = day * days}, .closed = [&] { closed = sim.now(); }},
                "tcp://:1");
      sim.connect("tcp://:1").send("x");
      while (sim.now() < day * days * 3 / 2) sim.run_for(step);
      EXPECT_GE(closed, day * days) << days;
      EXPECT_LE(closed, day * days + 3s) << days;
    }
  }
}

TEST(Deadlines, APausedConnectionIsNotIdle) {
  for_seeds([](Simulation& sim, End& end, auto closed) {
    sim.serve({.options = {.idle_timeout = 3s},
               .opened =
                   [&](Conn& c) {
                     c.pause();
                     c.run_after(10s, [&](Conn& later) {
                       end.from = sim.now();
                       later.resume();
                     });
                   },
               .closed = closed},
              "tcp://:1");
    sim.connect("tcp://:1");
    sim.run_for(60s);
    end.expect(3s, Errc::idle_timeout);
  });
}

TEST(Deadlines, AClosingConnectionWithoutProgressIsAborted) {
  for_seeds([](Simulation& sim, End& end, auto closed) {
    sim.serve({.limits = {.drain_timeout = 2s},
               .opened =
                   [&](Conn& c) {
                     c.write(std::string(1 << 20, 'x'));
                     return Action::close;
                   },
               .closed = closed},
              "tcp://:1");
    Peer& deaf = sim.connect("tcp://:1");
    deaf.stop_reading();
    end = {.from = sim.now()};
    sim.run_for(20s);
    ASSERT_TRUE(end.after);
    EXPECT_GE(*end.after, 2s);
    EXPECT_LE(*end.after, 2s + 200ms);  // the bytes that filled the kernel's buffers were progress
    EXPECT_EQ(end.why, Errc::drain_timeout);
  });
}

TEST(Deadlines, AClosedConnectionLingersForItsPeer) {
  for_seeds([](Simulation& sim, End& end, auto closed) {
    sim.serve({.limits = {.linger_timeout = 4s},
               .opened =
                   [&](Conn& c) {
                     end.from = sim.now();
                     c.write("bye");
                     return Action::close;
                   },
               .closed = closed},
              "tcp://:1");
    Peer& peer = sim.connect("tcp://:1");
    peer.stay_open();
    sim.run_for(60s);
    end.expect(4s, {});
    EXPECT_EQ(peer.received(), "bye");
  });
}

TEST(Deadlines, AShutdownTakesNoLongerThanDrainTimeout) {
  for_seeds([](Simulation& sim, End& end, auto closed) {
    bool stopped = false;  // outlives the server
    Server& server = sim.serve({.limits = {.drain_timeout = 2s},
                                .opened = [](Conn& c) { c.write(std::string(1 << 20, 'x')); },
                                .closed = closed,
                                .loop_stopped = [&] { stopped = true; }},
                               "tcp://:1");
    Peer& peer = sim.connect("tcp://:1");
    peer.stop_reading();
    sim.run_for(60s);
    end.from = sim.now();
    server.shutdown();
    sim.run_for(10s);
    end.expect(2s, Errc::drain_timeout);
    EXPECT_TRUE(stopped);
  });
}

TEST(Deadlines, AShutdownDoesNotWaitForASlowReader) {
  for_seeds([](Simulation& sim, End& end, auto closed) {
    Server& server = sim.serve({.limits = {.drain_timeout = 2s},
                                .opened = [](Conn& c) { c.write(std::string(8 << 20, 'x')); },
                                .closed = closed},
                               "tcp://:1");
    Peer& peer = sim.connect("tcp://:1");
    peer.stop_reading();
    sim.run_for(1s);
    end.from = sim.now();
    server.shutdown();
    for (int i = 0; i < 10; ++i) {  // some progress, but too little
      peer.start_reading();
      sim.run_for(300us);
      peer.stop_reading();
      sim.run_for(500ms);
    }
    end.expect(2s, Errc::drain_timeout);
  });
}

TEST(Deadlines, APeerThatSendsNothingIsClosed) {
  for_seeds([](Simulation& sim, End& end, auto closed) {
    sim.serve({.limits = {.first_bytes_timeout = 3s},
               .opened = [&] { end.from = sim.now(); },
               .closed = closed},
              "tcp://:1");
    sim.connect("tcp://:1");
    sim.run_for(60s);
    end.expect(3s, Errc::first_bytes_timeout);
  });
}

// Nothing is sent any more when the buffers between the ends are full; the peer then has one period
// to read something.
TEST(Deadlines, AReaderThatHasStoppedIsClosed) {
  for_seeds([](Simulation& sim, End& end, auto closed) {
    sim.serve({.limits = {.output_low = 1000, .slow_reader_timeout = 2s},
               .opened =
                   [&](Conn& c) {
                     end.from = sim.now();
                     c.write(std::string(4 << 20, 'x'));
                   },
               .closed = closed},
              "tcp://:1");
    Peer& peer = sim.connect("tcp://:1");
    for (int i = 0; i < 10; ++i) {  // slow but steady progress
      sim.run_for(100us);
      peer.stop_reading();
      sim.run_for(1s);
      peer.start_reading();
    }
    EXPECT_FALSE(end.after);
    sim.run_for(1ms);
    peer.stop_reading();
    end.from = sim.now();
    sim.run_for(60s);
    ASSERT_TRUE(end.after);
    EXPECT_LE(*end.after, 4s + 10ms);
    EXPECT_EQ(end.why, Errc::slow_reader);
  });
}

TEST(Deadlines, ADrainGoesOnUntilItsDeadline) {
  for_seeds([](Simulation& sim, End& end, auto closed) {
    bool stopped = false;
    Server& server = sim.serve({.data = [](Conn& c, Input& in) { c.write(in.take()); },
                                .closed = closed,
                                .loop_stopped = [&] { stopped = true; }},
                               "tcp://:1");
    Peer& peer = sim.connect("tcp://:1");
    sim.run_for(1s);
    end.from = sim.now();
    server.drain(3s);
    sim.run_for(1s);
    peer.send("goes on");
    Peer& late = sim.connect("tcp://:1");
    sim.run_for(1s);
    EXPECT_EQ(peer.received(), "goes on");
    EXPECT_EQ(late.error(), std::errc::connection_refused);
    EXPECT_FALSE(end.after);
    sim.run_for(10s);
    end.expect(3s, {});
    EXPECT_TRUE(stopped);
  });
}

TEST(Limits, AcceptsPerSecondIsObeyed) {
  for_seeds([](Simulation& sim, End&, auto) {
    int opened = 0;
    sim.serve({.limits = {.accepts_per_second = 5}, .opened = [&] { ++opened; }}, "tcp://:1");
    for (int i = 0; i < 12; ++i) sim.connect("tcp://:1");
    for (const int expected : {5, 10, 12}) {
      sim.run_for(500ms);
      EXPECT_EQ(opened, expected);
      sim.run_for(500ms);
    }
  });
}

TEST(Deadlines, ATickRunsAtTheReturnedDelays) {
  for_seeds([](Simulation& sim, End&, auto) {
    std::vector<Duration> ticks;
    Server& server = sim.serve({.tick =
                                    [&] {
                                      ticks.push_back(sim.now());
                                      return Tick{.delay = 250ms, .action = Action::none};
                                    }},
                               "tcp://:1");
    sim.run_for(10s);
    ASSERT_GE(ticks.size(), 39U);
    EXPECT_LE(ticks.size(), 41U);
    for (std::size_t i = 1; i < ticks.size(); ++i) EXPECT_GE(ticks[i] - ticks[i - 1], 250ms);
    server.shutdown();
    sim.run();
  });
}

// Connects one after another, so that the open connections are known.
void check_balance(LoadBalance balance,
                   const std::function<std::size_t(const std::vector<int>&, int accepted)>& right) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::vector<int> open(3);
    int last = -1;
    Simulation sim(seed);
    sim.serve(
        {.loops = 3,
         .balance = balance,
         .opened = [&](Conn& c) { ++open[static_cast<std::size_t>(last = c.loop().index())]; },
         .closed = [&](Conn& c,
                       std::error_code) { --open[static_cast<std::size_t>(c.loop().index())]; }},
        "tcp://:1");
    std::vector<Peer*> peers;
    for (int i = 0; i < 60; ++i) {
      const std::size_t expected = right(open, i);
      peers.push_back(&sim.connect("tcp://:1"));
      sim.run_for(10ms);
      ASSERT_EQ(static_cast<std::size_t>(last), expected)
          << "seed " << seed << ", connection " << i;
      if (sim.random(2) == 0) peers[sim.random(peers.size())]->shutdown_write();
      sim.run_for(2s);
    }
  }
}

TEST(Balance, RoundRobinIsExact) {
  check_balance(LoadBalance::round_robin, [](const std::vector<int>&, int accepted) {
    return static_cast<std::size_t>(accepted) % 3;
  });
}

TEST(Balance, LeastConnectionsIsExact) {
  check_balance(LoadBalance::least_connections, [](const std::vector<int>& open, int) {
    return static_cast<std::size_t>(std::min_element(open.begin(), open.end()) - open.begin());
  });
}

TEST(Balance, OneHostStaysOnOneLoop) {
  std::vector<int> loops;
  Simulation sim(1);
  sim.serve({.loops = 4,
             .balance = LoadBalance::source_hash,
             .opened = [&](Conn& c) { loops.push_back(c.loop().index()); }},
            "tcp://:1");
  for (int i = 0; i < 20; ++i)
    sim.connect("tcp://:1", "tcp://10.1.2.3:" + std::to_string(3000 + i));
  sim.run_for(1s);
  ASSERT_EQ(loops.size(), 20U);
  for (const int loop : loops) EXPECT_EQ(loop, loops[0]);
}

TEST(Fairness, NeitherAFloodNorEndlessPostsStarveAConnection) {
  for_seeds([](Simulation& sim, End&, auto) {
    Server& server = sim.serve({.opened = [](Conn& c) { c.set({.read_when_congested = true}); },
                                .data = [](Conn& c, Input& in) { c.write(in.take()); }},
                               "tcp://:1");
    std::function<void()> again = [&] { server.loop(0).post([&] { again(); }); };
    sim.connect("tcp://:1").send(std::string(4 << 20, 'f'));
    again();
    sim.run_for(1ms);
    Peer& peer = sim.connect("tcp://:1");
    peer.send("hello");
    sim.run_for(20ms);
    EXPECT_EQ(peer.received(), "hello");
    again = [] {};
    server.shutdown();
    sim.run();
  });
}

TEST(Fairness, AllSendersGetEqualShares) {
  for_seeds([](Simulation& sim, End&, auto) {
    std::vector<std::size_t> heard(8);
    std::size_t opened = 0;
    sim.serve(
        {.opened = [&](Conn& c) { c.emplace_context<std::size_t>(opened++); },
         .data = [&](Conn& c, Input& in) { heard[*c.context<std::size_t>()] += in.take().size(); }},
        "tcp://:1");
    for (std::size_t i = 0; i < heard.size(); ++i)
      sim.connect("tcp://:1").send(std::string(2 << 20, 'x'));
    sim.run_for(3ms);
    const auto [least, most] = std::minmax_element(heard.begin(), heard.end());
    EXPECT_LT(*most, std::size_t{2} << 20);
    EXPECT_GT(*least, *most / 2);
  });
}

}  // namespace
}  // namespace evio::test
