// Limits on the rate of connections, and on the number of connections of one peer.
#include <atomic>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Overload : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Overload);

Events greeting(Limits limits) {
  return {.limits = limits, .opened = [](Conn& c) { c.write("!"); }};
}

TEST_P(Overload, ConnectionsOfOnePeerAreLimited) {
  TestServer server = serve(greeting({.connections_per_peer_max = 2}));
  Client first = server.connect();
  Client second = server.connect();
  EXPECT_EQ(first.receive(1), "!");
  EXPECT_EQ(second.receive(1), "!");
  Client third = server.connect();
  EXPECT_EQ(third.receive_rest().bytes, "") << "closed unseen";
  EXPECT_EQ(server->stats().refused, 1U);
  first.close();
  EXPECT_TRUE(eventually([&] { return server->stats().open == 1; }));
  EXPECT_EQ(server.connect().receive(1), "!") << "one went, one may come";
}

TEST_P(Overload, TheLimitOfOnePeerDoesNotAffectAnother) {
  TestServer server = serve(greeting({.connections_per_peer_max = 1}), "tcp://0.0.0.0:0");
  Client one = server.connect();
  EXPECT_EQ(one.receive(1), "!");
  Client other = Client::unconnected();
  other.bind("127.0.0.2");
  other.connect(server.port());
  EXPECT_EQ(other.receive(1), "!");
}

TEST_P(Overload, ConnectionsBeyondTheRateWaitInTheBacklog) {
  TestServer server = serve(greeting({.accepts_per_second = 3}));
  const auto start = std::chrono::steady_clock::now();
  std::vector<Client> clients;
  for (int i = 0; i < 7; ++i) clients.push_back(server.connect());
  for (Client& client : clients) EXPECT_EQ(client.receive(1), "!");
  // Connections that the kernel had accepted when accepting paused are served immediately, so the
  // number of seconds depends on the backend.
  const auto needed = std::chrono::steady_clock::now() - start;
  if (backend() != Backend::io_uring) {
    EXPECT_GE(needed, 2s);
  }
}

TEST_P(Overload, AllAddressesOfAServiceShareItsRate) {
  std::atomic<int> opened = 0;
  TestServer server(as_set_up({.limits = {.accepts_per_second = 3}, .opened = [&] { ++opened; }}),
                    "tcp://127.0.0.1:0", "tcp://127.0.0.1:0");
  const auto start = std::chrono::steady_clock::now();
  std::vector<Client> clients;
  for (int i = 0; i < 7; ++i) clients.push_back(Client::to(server->addresses()[i % 2]));
  ASSERT_TRUE(eventually([&] { return opened == 7; }));
  const auto needed = std::chrono::steady_clock::now() - start;
  if (backend() != Backend::io_uring) {
    EXPECT_GE(needed, 2s);
  }
}

TEST_P(Overload, LoopsThatShareAPortShareItsRate) {
  std::atomic<int> opened = 0;
  TestServer server(as_set_up({.limits = {.accepts_per_second = 2}, .opened = [&] { ++opened; }}),
                    "tcp://127.0.0.1:0?reuseport=true");
  const auto start = std::chrono::steady_clock::now();
  std::vector<Client> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(server.connect());
  const int at_once = std::max(loops(), 2);
  ASSERT_TRUE(eventually([&] { return opened > at_once; }));
  const auto needed = std::chrono::steady_clock::now() - start;
  if (backend() != Backend::io_uring) {
    EXPECT_GE(needed, at_once * 500ms);
  }
}

TEST_P(Overload, TheAcceptingLoopSharesTheRateWithReuseportLoops) {
  std::atomic<int> opened = 0;
  TestServer server(as_set_up({.limits = {.accepts_per_second = 50}, .opened = [&] { ++opened; }}),
                    "tcp://127.0.0.1:0?reuseport=true", "tcp://127.0.0.1:0");
  const auto start = std::chrono::steady_clock::now();
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(server.connect({}, 1));
  ASSERT_TRUE(eventually([&] { return opened == 20; }));
  if (backend() != Backend::io_uring && loops() == 4) {  // its share is ten a second
    EXPECT_GE(std::chrono::steady_clock::now() - start, 1s);
  }
}

}  // namespace
}  // namespace evio::test
