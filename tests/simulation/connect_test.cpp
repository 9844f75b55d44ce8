// Servers that connect to each other under every fault: each connection either opens and closes
// once or fails once, and what arrives is a prefix of what was sent.
#include <gtest/gtest.h>

#include <evio/evio.hpp>
#include <evio/simulation.hpp>

#include "support/bytes.hpp"
#include "support/process.hpp"

namespace evio::test { namespace {

using namespace sim;

using namespace std::chrono_literals;

struct Made {
  std::string sent, received;
  int opened = 0, closed = 0;
  std::error_code error;
};

class Connecting : public testing::Test {
 protected:
  // Makes `count` connections to an echo server at `url`, one after another.
  void run(std::uint64_t seed, const Faults& faults, const std::string& url, std::size_t count) {
    SCOPED_TRACE(seed);
    std::vector<Made> all(count);
    Simulation sim(seed, faults);
    sim.serve({.loops = 2, .data = [](Conn& c, Input& in) { c.write(in.take()); }}, "tcp://:5000",
              "unix:///echo");
    Server& client = sim.serve({.loops = 2});
    for (std::size_t i = 0; i < count; ++i) {
      Made& made = all[i];
      made.sent = pattern(1 + 997 * i, static_cast<unsigned>(i));
      const Handle handle =
          client.connect(on(url, {.opened = [&made] { ++made.opened; },
                                  .data =
                                      [&made](Conn& c, Input& in) {
                                        made.received += in.take();
                                        if (made.received.size() == made.sent.size()) c.close();
                                      },
                                  .closed =
                                      [&made](Conn&, std::error_code error) {
                                        ++made.closed;
                                        made.error = error;
                                      }}));
      handle.send(made.sent);
    }
    for (int i = 0; i < 20; ++i) sim.run_for(60s);  // the clock may jump past the end of one run
    for (const Made& made : all) {
      EXPECT_EQ(made.closed, 1);
      EXPECT_LE(made.opened, 1);
      EXPECT_TRUE(made.opened == 1 || made.error) << "one that never opened says why";
      EXPECT_EQ(made.received, made.sent.substr(0, made.received.size()));
      EXPECT_TRUE(made.error || made.received == made.sent);
    }
    opened_ += static_cast<int>(
        std::count_if(all.begin(), all.end(), [](const Made& m) { return m.opened; }));
    failed_ += static_cast<int>(
        std::count_if(all.begin(), all.end(), [](const Made& m) { return !m.opened; }));
  }

  int opened_ = 0, failed_ = 0;
};

constexpr std::uint64_t seeds = sanitized ? 20 : 150;

TEST_F(Connecting, AllSucceedWithoutFaults) {
  for (const char* url : {"tcp://127.0.0.1:5000", "tcp://localhost:5000", "unix:///echo"})
    run(1, {}, url, 50);
  EXPECT_EQ(opened_, 150);
}

TEST_F(Connecting, EachEndsOnceUnderEveryFault) {
  for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed)
    run(seed, Faults::swarm(seed), seed % 2 ? "tcp://localhost:5000" : "unix:///echo", 10);
  EXPECT_GT(opened_, 0);
  EXPECT_GT(failed_, 0);
}

TEST_F(Connecting, AllFailWithoutAListener) {
  run(1, {}, "tcp://127.0.0.1:1", 20);
  run(2, {}, "tcp://nobody.example:5000", 20);
  EXPECT_EQ(failed_, 40);
}

// Each of a few datagrams is echoed or lost, and no other datagram arrives; without a receiver, the
// refusal is reported.
TEST_F(Connecting, UdpConnectionsWorkUnderEveryFault) {
  int came = 0, refused = 0;
  for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    int opened = 0, closed = 0;
    Simulation sim(seed, seed == 1 ? Faults() : Faults::swarm(seed));
    sim.serve({.data = [](Conn& c, Input& in) { c.write(in.take()); }}, "udp://:5000");
    Server& client = sim.serve({.loops = 2});
    for (int i = 0; i < 10; ++i) {
      const std::string mine = std::to_string(i);
      const bool nowhere = i == 9;
      const Handle handle =
          client.connect(on(nowhere ? "udp://127.0.0.1:1" : "udp://127.0.0.1:5000",
                            {.options = {.idle_timeout = 10s},
                             .opened = [&] { ++opened; },
                             .data =
                                 [&, mine](Conn&, Input& in) {
                                   EXPECT_EQ(in.view(), mine);
                                   ++came;
                                 },
                             .closed =
                                 [&, nowhere](Conn&, std::error_code error) {
                                   ++closed;
                                   EXPECT_TRUE(error);
                                   refused += nowhere && error == std::errc::connection_refused;
                                 }}));
      handle.send(mine);
    }
    for (int i = 0; i < 5; ++i) sim.run_for(60s);
    EXPECT_EQ(closed, 10);
    EXPECT_LE(opened, 10);
    if (seed == 1) {
      EXPECT_EQ(came, 9);
      EXPECT_EQ(refused, 1);
    }
  }
}

TEST_F(Connecting, ConnectTimeoutIsExactToTheMillisecond) {
  Simulation sim(1, {});
  Duration closed{};
  Server& client = sim.serve({});
  std::error_code why;
  // Nothing accepts, and the backlog is full.
  sim.serve({.limits = {.connections_max = 1, .backlog = 1}}, "tcp://:5000");
  Peer& first = sim.connect("tcp://:5000");
  sim.run_for(1s);
  Peer& second = sim.connect("tcp://:5000");
  sim.run_for(1s);
  const Duration begin = sim.now();
  client.connect(on("tcp://127.0.0.1:5000", {.limits = {.connect_timeout = 3s},
                                             .closed = [&](Conn&, std::error_code error) {
                                               closed = sim.now();
                                               why = error;
                                             }}));
  sim.run_for(60s);
  EXPECT_EQ(why, Errc::connect_timeout);
  EXPECT_GE(closed - begin, 3s);
  EXPECT_LE(closed - begin, 3s + 10ms);
  first.close();
  second.close();
}

// localhost is [::1] first, then 127.0.0.1 (RFC 8305).
class HappyEyeballs : public testing::Test {
 protected:
  Simulation sim{1, {}};
  int accepted = 0;
  Duration opened{};
  std::string peer;

  // A service that accepts no connection: its backlog is full.
  void deaf(const std::string& url) {
    sim.serve({.limits = {.connections_max = 1, .backlog = 1}}, url);
    for (int i = 0; i < 2; ++i) {
      sim.connect(url);
      sim.run_for(1s);
    }
  }
  void hearing(const std::string& url) {
    sim.serve({.opened = [this] { ++accepted; }}, url);
  }
  // The time that a connect takes.
  Duration connect() {
    const Duration begin = sim.now();
    const Handle handle =
        sim.serve({}).connect(on("tcp://localhost:5000", {.opened = [this](Conn& c) {
                                   opened = sim.now();
                                   peer = c.remote().to_string();
                                 }}));
    sim.run_for(60s);
    return opened - begin;
  }
};

TEST_F(HappyEyeballs, AnUnresponsiveAddressDelaysTheNextByTheAttemptDelay) {
  deaf("tcp6://[::1]:5000");
  hearing("tcp4://127.0.0.1:5000");
  const Duration needed = connect();
  EXPECT_EQ(peer, "tcp://127.0.0.1:5000");
  EXPECT_GE(needed, 250ms);
  EXPECT_LE(needed, 270ms);
}

TEST_F(HappyEyeballs, ARefusalStartsTheNextAttemptImmediately) {
  hearing("tcp4://127.0.0.1:5000");
  EXPECT_LE(connect(), 20ms);
  EXPECT_EQ(peer, "tcp://127.0.0.1:5000");
}

TEST_F(HappyEyeballs, AnAddressThatAcceptsIsTheOnlyOneTried) {
  hearing("tcp6://[::1]:5000");
  hearing("tcp4://127.0.0.1:5000");
  EXPECT_LE(connect(), 20ms);
  EXPECT_EQ(peer, "tcp://[::1]:5000");
  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace evio::test
