// for_each visits every open connection of a loop, or of all loops, and the counters count them.
#include <atomic>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class ForEach : public Behaviour {};
EVIO_ON_EVERY_BACKEND(ForEach);

std::vector<Client> greeted(TestServer& server, int count) {
  std::vector<Client> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(server.connect());
    clients.back().receive(1);
  }
  return clients;
}

Events greeting() {
  return {.opened = [](Conn& c) { c.write("!"); },
          .data = [](Conn& c, Input& in) { c.write(in.take()); }};
}

TEST_P(ForEach, ReachesEveryConnectionOfEveryLoop) {
  TestServer server = serve(greeting());
  auto clients = greeted(server, 20);
  server->for_each([](Conn& c) { c.write("all"); });
  for (Client& client : clients) EXPECT_EQ(client.receive(3), "all");
  for (Client& client : clients) EXPECT_TRUE(client.silent()) << "once";
}

TEST_P(ForEach, BroadcastWritesToAll) {
  TestServer server = serve(greeting());
  auto clients = greeted(server, 20);
  server->broadcast(SharedBytes("news"));
  for (Client& client : clients) EXPECT_EQ(client.receive(4), "news");
  for (Client& client : clients) EXPECT_TRUE(client.silent()) << "once";
}

TEST_P(ForEach, BroadcastReachesTheFirstEventsConnectionsOnly) {
  EventLog log;
  TestServer server = serve(
      greeting(), "tcp://127.0.0.1:0", on("tcp://127.0.0.1:0", greeting()), "tcp://127.0.0.1:0",
      on("tcp://127.0.0.1:0",
         {.opened = [&] { log.add("outgoing"); },
          .data = [&](Conn&, Input& in) { log.add(std::string(in.take())); }}));
  Client first = server.connect({}, 0), other = server.connect({}, 1),
         third = server.connect({}, 2);
  for (Client* client : {&first, &other, &third}) EXPECT_EQ(client->receive(1), "!");
  server->connect(on(server.address(3).to_string(), {}));
  server->connect(
      server.address(3)
          .to_string());  // an outgoing connection with the first Events: it was not accepted
  ASSERT_TRUE(log.wait_for("outgoing", 2));
  ASSERT_TRUE(log.wait_for("!")) << "what `opened` of the first Events wrote";
  server->broadcast(SharedBytes("news"));
  server->broadcast(SharedBytes("1"), 1);
  server->broadcast(SharedBytes("2"), 2);
  EXPECT_EQ(first.receive(4), "news");
  EXPECT_EQ(third.receive(5), "news2");
  EXPECT_EQ(other.receive(1), "1");
  server->for_each([](Conn& c) { c.close(); });
  for (Client* client : {&first, &other, &third}) EXPECT_EQ(client->receive_rest().bytes, "");
  EXPECT_TRUE(eventually([&] { return server->stats().open == 0; }));
  EXPECT_EQ(log.size(), 3U);
  EXPECT_THROW(server->broadcast(SharedBytes("x"), 4), std::out_of_range);
  EXPECT_THROW(server->broadcast(SharedBytes("x"), -1), std::out_of_range);
}

TEST_P(ForEach, AMessageThatOneCodecRejectsReachesTheOthers) {
  Events lines = greeting();
  lines.codec = codec::Lines{};
  TestServer server =
      serve(greeting(), "tcp://127.0.0.1:0", on("tcp://127.0.0.1:0", std::move(lines)));
  std::vector<Client> strict;
  for (int i = 0; i < 4; ++i) {
    strict.push_back(Client::to(server->addresses()[1]));
    EXPECT_EQ(strict.back().receive(2), "!\n");
  }
  auto clients = greeted(server, 4);
  server->for_each([](Conn& c) { c.write("two\nlines"); });
  for (Client& client : clients) EXPECT_EQ(client.receive(9), "two\nlines");
  for (Client& client : strict) EXPECT_EQ(client.receive_rest().bytes, "");
}

TEST_P(ForEach, MayCloseAnyOfThem) {
  TestServer server = serve(greeting());
  auto clients = greeted(server, 12);
  server->for_each([](Conn& c) {
    c.write("bye");
    c.close();
  });
  for (Client& client : clients) EXPECT_EQ(client.receive_rest().bytes, "bye");
  clients.clear();
  EXPECT_TRUE(eventually([&] { return server->stats().open == 0; }));
}

TEST_P(ForEach, OnALoopVisitsItsOpenConnectionsImmediately) {
  TestServer server = serve(greeting());
  auto clients = greeted(server, 4 * loops());
  std::atomic<int> visited{0}, again{0};
  for (int i = 0; i < loops(); ++i)
    server.on_loop(i, [&, i] {
      Loop& loop = server->loop(i);
      loop.for_each([&](Conn& c) {
        EXPECT_EQ(&c.loop(), &loop);
        ++visited;
        c.abort();
        loop.for_each([](Conn& other) { other.abort(); });
      });
      loop.for_each([&] { ++again; });
    });
  EXPECT_GE(visited, loops());
  EXPECT_EQ(again, 0) << "all are closing";
}

TEST_P(ForEach, DoesNothingAfterTheServerHasEnded) {
  TestServer server = serve(greeting());
  server.stop();
  server->for_each([](Conn&) { ADD_FAILURE(); });
}

TEST_P(ForEach, StatsCountWhatHappened) {
  TestServer server = serve(greeting());
  auto clients = greeted(server, 5);
  for (Client& client : clients) echo_through(client, "12345678");
  Stats stats = server->stats();
  EXPECT_EQ(stats.accepted, 5U);
  EXPECT_EQ(stats.open, 5U);
  EXPECT_EQ(stats.closed, 0U);
  EXPECT_EQ(stats.received, 40U);
  ASSERT_TRUE(eventually([&] { return server->stats().sent == 45; }));
  clients.clear();
  ASSERT_TRUE(eventually([&] { return server->stats().open == 0; }));
  server.stop();
  stats = server->stats();
  EXPECT_EQ(stats.closed, 5U);
  EXPECT_EQ(stats.memory, 0U);
}

}  // namespace
}  // namespace evio::test
