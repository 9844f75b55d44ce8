// Draining: the server stops accepting, existing connections continue, and it ends with the last of
// them or at the deadline.
#include "support/behaviour.hpp"
#include "support/event_log.hpp"

namespace evio::test { namespace {

class Drain : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Drain);

bool refuses(const Address& address) {
  try {
    Client client = Client::to(address);
    client.send("x");
    return client.receive(1).empty();
  } catch (const std::system_error&) {
    return true;
  }
}

// Echoes, and writes "bye" when the server drains; logs these events.
Events saying_goodbye(EventLog& log, Action then) {
  Events events = echo();
  events.draining = [&log, then](Conn& c) {
    log.add("draining");
    c.write("bye");
    return then;
  };
  events.closed = [&log](Conn&, std::error_code) { log.add("closed"); };
  return events;
}

TEST_P(Drain, EndsWhenTheLastConnectionCloses) {
  TestServer server = serve(echo());
  Client first = server.connect(), second = server.connect();
  EXPECT_EQ(echo_through(first, "a"), "a");
  EXPECT_EQ(echo_through(second, "b"), "b");
  server->drain(1h);
  server->drain(1h);
  EXPECT_TRUE(eventually([&] { return refuses(server.address()); }));
  EXPECT_EQ(echo_through(first, "goes on"), "goes on");
  first.close();
  EXPECT_EQ(echo_through(second, "goes on, too"), "goes on, too");
  EXPECT_FALSE(server.ended());
  second.close();
  EXPECT_EQ(server.wait(), nullptr);
}

TEST_P(Drain, ConnectionsAcceptedByTheKernelAreServed) {
  TestServer server = serve({.opened = [](Conn& c) {
    c.write("served");
    return Action::close;
  }});
  std::vector<Client> clients;
  server.on_loop(0, [&] {
    for (int i = 0; i < 100; ++i) clients.push_back(server.connect());
    server->drain(1h);
  });
  for (Client& client : clients) {
    EXPECT_EQ(client.receive_rest().bytes, "served");
    client.close();
  }
  EXPECT_EQ(server.wait(), nullptr);
}

TEST_P(Drain, ConnectionsMadeBeforeTheLoopsStartedAreServed) {
  std::vector<Client> clients;
  TestServer server(as_set_up({.serving =
                                   [&](Server& starting) {
                                     for (int i = 0; i < 20; ++i)
                                       clients.push_back(Client::to(starting.addresses().front()));
                                     starting.drain(1h);
                                   },
                               .opened =
                                   [](Conn& c) {
                                     c.write("served");
                                     return Action::close;
                                   }}),
                    "tcp://127.0.0.1:0");
  for (Client& client : clients) {
    EXPECT_EQ(client.receive_rest().bytes, "served");
    client.close();
  }
  EXPECT_EQ(server.wait(), nullptr);
}

TEST_P(Drain, EndsImmediatelyWithoutConnections) {
  TestServer server = serve(echo());
  server->drain(1h);
  EXPECT_EQ(server.wait(), nullptr);
}

TEST_P(Drain, ClosesTheRemainingConnectionsAtTheDeadline) {
  EventLog log;
  TestServer server = serve(
      {.opened = [&] { log.add("opened"); },
       .closed = [&](Conn&,
                     std::error_code e) { log.add(e ? "closed: " + e.message() : "closed"); }});
  Client client = server.connect();
  ASSERT_TRUE(log.wait_for("opened"));
  server->drain(50ms);
  EXPECT_EQ(server.wait(), nullptr);
  EXPECT_EQ(log.events(), (std::vector<std::string>{"opened", "closed"}));
  EXPECT_TRUE(client.receive_rest().bytes.empty());
}

TEST_P(Drain, CallsDrainingOnceForEachAcceptedConnection) {
  EventLog log;
  TestServer server = serve(saying_goodbye(log, Action::close));
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "a"), "a");
  server->drain(1h);
  EXPECT_EQ(client.receive_rest().bytes, "bye");
  client.close();
  EXPECT_EQ(server.wait(), nullptr);
  EXPECT_EQ(log.events(), (std::vector<std::string>{"draining", "closed"}));
}

TEST_P(Drain, ShutdownCallsDrainingWithoutADrainBefore) {
  EventLog log;
  TestServer server = serve(saying_goodbye(log, Action::none));
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "a"), "a");
  server->shutdown();
  EXPECT_EQ(client.receive_rest().bytes, "bye");
  client.close();
  EXPECT_EQ(server.wait(), nullptr);
  EXPECT_EQ(log.events(), (std::vector<std::string>{"draining", "closed"}));
}

TEST_P(Drain, ForEachMayCloseIdleConnections) {
  TestServer server = serve(echo());
  std::vector<Client> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(server.connect());
    EXPECT_EQ(echo_through(clients.back(), "x"), "x");
  }
  server->drain(1h);
  server->for_each([](Conn& c) { c.close(); });
  for (Client& client : clients) EXPECT_TRUE(client.receive_rest().bytes.empty());
  clients.clear();
  EXPECT_EQ(server.wait(), nullptr);
}

TEST_P(Drain, MayBeCalledBeforeAndAfterRun) {
  Server server(as_set_up(echo()), "tcp://127.0.0.1:0");
  server.drain(1h);
  server.run();
  server.drain(1h);
}

}  // namespace
}  // namespace evio::test
