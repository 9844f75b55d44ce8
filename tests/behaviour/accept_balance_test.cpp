// A new connection wakes only the loop that accepts it and the loop that will own it, the balance
// is exact, and a busy loop delays only its own connections.
#include <atomic>
#include <mutex>
#include <vector>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class AcceptBalance : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(AcceptBalance, 4);

struct PerLoop {
  std::atomic<int> opened[4] = {};

  int total() const { return opened[0] + opened[1] + opened[2] + opened[3]; }
  std::vector<int> counts() const { return {opened[0], opened[1], opened[2], opened[3]}; }
};

// Greets each client and counts the connections of each loop.
Events counted(PerLoop& count, Balance balance) {
  return {.balance = std::move(balance),
          .opened =
              [&count](Conn& c) {
                ++count.opened[c.loop().index()];
                c.write("!");
              },
          .closed = [&count](Conn& c, std::error_code) { --count.opened[c.loop().index()]; }};
}

std::vector<Client> connect_many(TestServer& server, int count) {
  std::vector<Client> clients;
  for (int i = 0; i < count; ++i) clients.push_back(server.connect());
  for (Client& client : clients) client.receive(1);
  return clients;
}

TEST_P(AcceptBalance, RoundRobinIsExact) {
  PerLoop count;
  TestServer server = serve(counted(count, LoadBalance::round_robin));
  const auto clients = connect_many(server, 400);
  EXPECT_EQ(count.counts(), (std::vector<int>{100, 100, 100, 100}));
}

TEST_P(AcceptBalance, LeastConnectionsIsExactAndRefillsAnEmptiedLoop) {
  PerLoop count;
  TestServer server = serve(counted(count, LoadBalance::least_connections));
  auto clients = connect_many(server, 40);
  EXPECT_EQ(count.counts(), (std::vector<int>{10, 10, 10, 10}));
  server->loop(2).post([&] { server->loop(2).for_each([](Conn& c) { c.abort(); }); });
  ASSERT_TRUE(eventually([&] { return server->stats().open == 30; }));
  const auto more = connect_many(server, 10);
  EXPECT_EQ(count.counts(), (std::vector<int>{10, 10, 10, 10}));
}

TEST_P(AcceptBalance, SourceHashKeepsAHostOnOneLoop) {
  PerLoop count;
  TestServer server = serve(counted(count, LoadBalance::source_hash));
  const auto clients = connect_many(server, 20);
  const auto counts = count.counts();
  EXPECT_EQ(*std::max_element(counts.begin(), counts.end()), 20);
}

TEST_P(AcceptBalance, RandomReachesEveryLoop) {
  PerLoop count;
  TestServer server = serve(counted(count, LoadBalance::random));
  const auto clients = connect_many(server, 200);
  for (const int each : count.counts()) EXPECT_GT(each, 10);
}

TEST_P(AcceptBalance, AFunctionReceivesTheLoadsAndThePeerAndItsResultIsTakenModulo) {
  PerLoop count;
  EventLog log;
  TestServer server = serve(
      counted(count, [&](std::span<const LoopLoad> loads, const Address& peer) -> std::size_t {
        EXPECT_EQ(loads.size(), 4U);
        EXPECT_EQ(peer.host(), "127.0.0.1");
        log.add(std::to_string(loads[3].connections) + " to " + std::to_string(peer.port()));
        return 7;
      }));
  const auto clients = connect_many(server, 3);
  EXPECT_EQ(count.counts(), (std::vector<int>{0, 0, 0, 3}));
  for (std::size_t i = 0; i < clients.size(); ++i)
    EXPECT_EQ(log.events()[i], std::to_string(i) + " to " + std::to_string(clients[i].port()));
}

TEST_P(AcceptBalance, EachConnectionWakesTwoThreadsAtMost) {
  PerLoop count;
  TestServer server = serve(counted(count, LoadBalance::round_robin));
  auto clients = connect_many(server, 4);
  const Usage before = server.usage();
  const std::uint64_t wakeups_before = server->stats().wakeups;
  constexpr unsigned connections = 100;
  for (unsigned i = 0; i < connections; ++i) {
    clients.push_back(server.connect());
    clients.back().receive(1);
  }
  const Usage used = server.usage() - before;
  EXPECT_LE(used.waits, 2 * connections + connections / 10);
  EXPECT_LE(server->stats().wakeups - wakeups_before, 2 * connections);
}

TEST_P(AcceptBalance, ABusyLoopDelaysOnlyItsOwnConnections) {
  for (const int busy : {0, 2}) {
    PerLoop count;
    Gate blocked, release;
    TestServer server = serve(counted(count, LoadBalance::round_robin));
    const OpensAtEnd let_go(release);
    // Accepting starts when all loops run: these connections wait for that.
    const auto first = connect_many(server, 4);
    server->loop(busy).post([&] {
      blocked.open();
      EXPECT_TRUE(release.wait());
    });
    ASSERT_TRUE(blocked.wait());
    std::vector<Client> clients;
    for (int i = 0; i < 40; ++i) clients.push_back(server.connect());
    EXPECT_TRUE(eventually([&] { return count.total() == 34; }))
        << "while loop " << busy << " is busy";
    EXPECT_EQ(count.opened[busy], 1);
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (static_cast<int>(i % 4) != busy) {
        EXPECT_EQ(clients[i].receive(1), "!");
      }
    }
    release.open();
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (static_cast<int>(i % 4) == busy) {
        EXPECT_EQ(clients[i].receive(1), "!");
      }
    }
    EXPECT_EQ(count.counts(), (std::vector<int>{11, 11, 11, 11}));
  }
}

TEST_P(AcceptBalance, ReuseportLetsTheKernelDecide) {
  PerLoop count;
  TestServer server =
      serve(counted(count, LoadBalance::round_robin), "tcp://127.0.0.1:0?reuseport=true");
  const auto clients = connect_many(server, 200);
  EXPECT_EQ(count.total(), 200);
  for (const int each : count.counts()) EXPECT_GT(each, 10) << "each loop has a socket of its own";
}

TEST_P(AcceptBalance, ReuseportLetsAnotherServerBindToo) {
  PerLoop first_count, second_count;
  TestServer first =
      serve(counted(first_count, LoadBalance::round_robin), "tcp://127.0.0.1:0?reuseport=1");
  const std::string same = "tcp://127.0.0.1:" + std::to_string(first.port());
  TestServer second =
      serve(counted(second_count, LoadBalance::round_robin), same + "?reuseport=yes");
  const auto clients = connect_many(first, 200);
  EXPECT_GT(first_count.total(), 10);
  EXPECT_GT(second_count.total(), 10);
  EXPECT_THROW(Server(as_set_up({}), same), Error) << "who did not ask for it may not";
}

}  // namespace
}  // namespace evio::test
