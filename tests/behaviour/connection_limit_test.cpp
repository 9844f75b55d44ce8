// Limits::connections_max leaves further connections in the backlog, exactly, until one closes.
#include <atomic>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class ConnectionLimit : public Behaviour {};
EVIO_ON_EVERY_BACKEND(ConnectionLimit);

TEST_P(ConnectionLimit, LeavesFurtherConnectionsInTheBacklogUntilOneCloses) {
  std::atomic<int> opened{0};
  TestServer server = serve({.limits = {.connections_max = 5}, .opened = [&](Conn& c) {
                               ++opened;
                               c.write("!");
                             }});
  std::vector<Client> clients;
  for (int i = 0; i < 12; ++i) clients.push_back(server.connect());
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(clients[i].receive(1), "!");
  EXPECT_EQ(server->stats().open, 5U);
  const Usage before = server.usage();
  std::this_thread::sleep_for(50ms);
  EXPECT_LT((server.usage() - before).cpu, 25ms) << "the backlog is no reason to spin";
  EXPECT_EQ(opened, 5);
  for (std::size_t i = 0; i < 7; ++i) {
    clients[i].close();
    EXPECT_EQ(clients[i + 5].receive(1), "!") << "one closes, one comes";
    EXPECT_EQ(opened, static_cast<int>(i) + 6);
  }
}

TEST_P(ConnectionLimit, IsNeverExceeded) {
  std::atomic<int> open{0}, most{0}, served{0};
  TestServer server = serve({.limits = {.connections_max = 3},
                             .opened =
                                 [&](Conn& c) {
                                   const int now = ++open;
                                   int known = most;
                                   while (now > known && !most.compare_exchange_weak(known, now)) {
                                   }
                                   c.write("!");
                                   return Action::close;
                                 },
                             .closed =
                                 [&] {
                                   --open;
                                   ++served;
                                 }});
  std::vector<Background> peers;
  for (int i = 0; i < 4; ++i)
    peers.emplace_back([&] {
      for (int j = 0; j < 25; ++j) EXPECT_EQ(server.connect().receive_rest().bytes, "!");
    });
  peers.clear();
  EXPECT_TRUE(eventually([&] { return served == 100; }));
  EXPECT_LE(most, 3);
}

TEST_P(ConnectionLimit, IsCountedPerService) {
  std::atomic<int> limited{0};
  TestServer server =
      serve({.limits = {.connections_max = 1}, .opened = [&] { ++limited; }}, "tcp://127.0.0.1:0",
            on("tcp://127.0.0.1:0", {.opened = [](Conn& c) { c.write("!"); }}));
  std::vector<Client> held, others;
  for (int i = 0; i < 3; ++i) held.push_back(server.connect({}, 0));
  for (int i = 0; i < 3; ++i) {
    others.push_back(server.connect({}, 1));
    EXPECT_EQ(others.back().receive(1), "!");
  }
  EXPECT_TRUE(eventually([&] { return limited > 0; }));
  EXPECT_EQ(limited, 1);
}

TEST_P(ConnectionLimit, DoesNotCountDetachedConnections) {
  TestServer server = serve({.limits = {.connections_max = 1},
                             .data = [] { return Action::detach; },
                             .detached = [](Conn&, Socket socket) { socket.write("detached"); }});
  for (int i = 0; i < 3; ++i) {
    Client client = server.connect();
    client.send("x");
    EXPECT_EQ(client.receive(8), "detached");
  }
}

}  // namespace
}  // namespace evio::test
