// Shutdown is orderly wherever it is requested: output is sent, every connection is closed once,
// and nothing remains.
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Shutdown : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Shutdown);

// Counts the calls of opened and closed.
struct Pairs {
  std::atomic<int> opened{0}, closed{0};
};

TEST_P(Shutdown, WorksFromEveryHandlerThatReturnsAnAction) {
  for (const std::string from :
       {"serving", "opened", "data", "drained", "ended", "closed", "detached", "failed", "tick"}) {
    Pairs pairs;
    std::atomic<int> stopped{0};
    std::atomic<bool> failed{false};
    const auto in = [&](const std::string& handler) {
      return handler == from ? Action::shutdown : Action::none;
    };
    TestServer server =
        serve({.limits = {.output_high = 16 * kib, .output_low = 4 * kib, .linger_timeout = 50ms},
               .options = {.send_buffer = 8192},
               .serving = [&] { return in("serving"); },
               .opened =
                   [&](Conn& c) {
                     ++pairs.opened;
                     if (from == "drained") c.write(pattern(mib));
                     return in("opened");
                   },
               .data = [&]() -> Action {
                 if (from == "failed" && !failed.exchange(true)) throw std::runtime_error("fault");
                 return from == "detached" ? Action::detach : in("data");
               },
               .drained = [&] { return in("drained"); },
               .ended = [&] { return from == "closed" ? Action::close : in("ended"); },
               .closed =
                   [&] {
                     ++pairs.closed;
                     return in("closed");
                   },
               .detached =
                   [&] {
                     ++pairs.closed;
                     return in("detached");
                   },
               .failed = [&] { return in("failed"); },
               .tick =
                   [&] {
                     return Tick{1ms, in("tick")};
                   },
               .loop_stopped = [&] { ++stopped; }});
    Client client = Client::unconnected(tiny);
    try {
      client.connect(server.port());
      client.send("input");
      if (from == "drained") client.receive(mib);
      if (from == "ended" || from == "closed") client.shutdown_write();
    } catch (const std::system_error&) {
      EXPECT_TRUE(from == "serving" || from == "tick" || from == "opened")
          << "only these may refuse or reset it";
    }
    EXPECT_EQ(message_of(server.wait()), "") << from;
    EXPECT_EQ(pairs.opened, pairs.closed) << from;
    if (from != "serving") {
      EXPECT_EQ(stopped, loops()) << from;
    }
  }
}

TEST_P(Shutdown, WorksFromCallbacksAndOtherThreads) {
  for (const std::string from : {"thread", "post", "handle", "timer", "conn timer", "loop_started",
                                 "pre_write", "for_each"}) {
    Pairs pairs;
    HandleSlot handle;
    TestServer server =
        serve({.loop_started =
                   [&](Loop& loop) {
                     if (from == "loop_started" && loop.index() == loops() - 1)
                       loop.server().shutdown();
                   },
               .opened =
                   [&](Conn& c) {
                     ++pairs.opened;
                     c.write("hello");
                     if (from == "timer")
                       c.loop().run_after(1ms, [&loop = c.loop()] { loop.server().shutdown(); });
                     if (from == "conn timer")
                       c.run_after(1ms, [](Conn& conn) { conn.server().shutdown(); });
                     handle.put(c);
                   },
               .closed = [&] { ++pairs.closed; },
               .pre_write =
                   [&](Loop& loop) {
                     if (from == "pre_write") loop.server().shutdown();
                   }});
    if (from == "loop_started") {
      server.wait();
      continue;
    }
    Client client = server.connect();
    EXPECT_EQ(client.receive(5), "hello") << from;
    const Handle name = *handle;
    if (from == "thread") Background([&] { server->shutdown(); });
    if (from == "post") server->loop(loops() - 1).post([&] { server->shutdown(); });
    if (from == "handle") name.post([](Conn& c) { c.server().shutdown(); });
    if (from == "for_each") server->for_each([](Conn& c) { c.server().shutdown(); });
    EXPECT_EQ(message_of(server.wait()), "") << from;
    EXPECT_EQ(pairs.opened, 1) << from;
    EXPECT_EQ(pairs.closed, 1) << from;
  }
}

TEST_P(Shutdown, BeforeRunMakesRunReturnImmediately) {
  Server server(as_set_up({}), "tcp://127.0.0.1:0");
  server.shutdown();
  server.shutdown();
  server.run();
  server.shutdown();
}

TEST_P(Shutdown, MayBeCalledTwice) {
  TestServer server = serve({.limits = {.drain_timeout = hang_guard},
                             .options = {.send_buffer = 8192},
                             .opened = [](Conn& c) { c.write(pattern(mib)); }});
  Client client = server.connect(tiny);
  EXPECT_TRUE(same_bytes(client.receive(1000), pattern(1000)));
  server->shutdown();
  server->shutdown();
  EXPECT_TRUE(same_bytes("" + client.receive_rest().bytes, pattern(mib).substr(1000)));
  server.stop();
  server->shutdown();
}

TEST_P(Shutdown, SendsTheOutputOfEveryConnection) {
  EventLog log;
  TestServer server = serve(
      {.options = {.send_buffer = 16384},
       .opened =
           [&](Conn& c) {
             c.write(pattern(mib));
             log.add("opened");
           },
       .closed = [&](Conn&,
                     std::error_code error) { log.add(error ? error.message() : "closed"); }});
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(server.connect({.receive = 8192}));
  ASSERT_TRUE(log.wait_for("opened", 8));
  server->shutdown();
  std::vector<Background> readers;
  for (Client& client : clients)
    readers.emplace_back([&client] {
      EXPECT_TRUE(same_bytes(client.receive_rest().bytes, pattern(mib)));
      client.close();
    });
  readers.clear();
  EXPECT_EQ(message_of(server.wait()), "");
  EXPECT_EQ(log.count("closed"), 8U);
}

TEST_P(Shutdown, WithAStalledPeerTakesNoLongerThanDrainTimeout) {
  EventLog log;
  TestServer server = serve(
      {.limits = {.drain_timeout = 150ms},
       .options = {.send_buffer = 8192},
       .opened =
           [&](Conn& c) {
             c.write(pattern(8 * mib));
             log.add("opened");
           },
       .closed = [&](Conn&, std::error_code error) { log.add(error ? "an error" : "no error"); }});
  Client client = server.connect(tiny);
  ASSERT_TRUE(log.wait_for("opened"));
  server.stop();
  EXPECT_EQ(log.count("an error"), 1U);
}

TEST_P(Shutdown, IsNotFollowedByData) {
  EventLog log;
  TestServer server = serve({.limits = {.drain_timeout = 200ms},
                             .options = {.send_buffer = 8192},
                             .data =
                                 [&](Conn& c, Input&) {
                                   log.add("data");
                                   c.write(pattern(8 * mib));
                                   return Action::shutdown;
                                 },
                             .closed = [&] { log.add("closed"); }});
  Client client = server.connect(tiny);
  client.send("1");
  ASSERT_TRUE(log.wait_for("data"));
  client.send("2");
  server.wait();
  EXPECT_EQ(log.events(), (std::vector<std::string>{"data", "closed"}));
}

TEST_P(Shutdown, IsNotFollowedByDataOrEndedForBytesThatHadArrived) {
  EventLog log;
  Gate there;
  TestServer server = serve({.opened =
                                 [&] {
                                   EXPECT_TRUE(there.wait());
                                   return Action::shutdown;
                                 },
                             .data = [&] { log.add("data"); },
                             .ended = [&] { log.add("ended"); },
                             .closed = [&] { log.add("closed"); }});
  Client client = server.connect();
  client.send("1");
  client.shutdown_write();
  there.open();
  server.wait();
  EXPECT_EQ(log.events(), std::vector<std::string>{"closed"});
}

TEST_P(Shutdown, IsNotFollowedByFurtherMessagesOfABatch) {
  EventLog log;
  TestServer server = serve({.codec = codec::Lines{},
                             .data =
                                 [&](Conn&, Input& in) {
                                   log.add(std::string(in.take()));
                                   return Action::shutdown;
                                 },
                             .closed = [&] { log.add("closed"); }});
  Client client = server.connect();
  client.send("1\n2\n3\n");
  server.wait();
  EXPECT_EQ(log.events(), (std::vector<std::string>{"1", "closed"}));
}

TEST_P(Shutdown, IsNotFollowedByFurtherDatagramsOfABatch) {
  EventLog log;
  Gate there;
  TestServer server = serve({.data =
                                 [&](Conn&, Input& in) {
                                   log.add(std::string(in.take()));
                                   EXPECT_TRUE(there.wait());
                                   return log.size() > 1 ? Action::shutdown : Action::none;
                                 }},
                            "udp://127.0.0.1:0");
  UdpClient client = UdpClient::bound();
  for (const char* bytes : {"1", "2", "3", "4"}) client.send_to(server.port(), bytes);
  there.open();
  server.wait();
  EXPECT_EQ(log.events(), (std::vector<std::string>{"1", "2"}));
}

TEST_P(Shutdown, RunsAcceptedPostsAndDestroysTimers) {
  std::atomic<int> accepted{0}, ran{0};
  std::atomic<bool> timer_ran{false};
  Gate timer_died;
  TestServer server = serve({});
  server.on_loop(0, [&] {
    const std::shared_ptr<void> held(&timer_died, [](Gate* gate) { gate->open(); });
    server->loop(0).run_after(std::chrono::hours(1), [&timer_ran, held] { timer_ran = true; });
  });
  {
    Background posts([&] {
      while (server->loop(loops() - 1).post([&] { ++ran; })) ++accepted;
    });
    ASSERT_TRUE(eventually([&] { return ran > 100; }));
    server.stop();
  }
  EXPECT_EQ(accepted, ran);
  EXPECT_TRUE(timer_died.is_open());
  EXPECT_FALSE(timer_ran);
}

TEST_P(Shutdown, StopsAcceptingAndClosesWhatWasAccepted) {
  Pairs pairs;
  TestServer server = serve({.opened = [&] { ++pairs.opened; }, .closed = [&] { ++pairs.closed; }});
  std::atomic<bool> refused{false};
  Background connects([&, port = server.port()] {
    std::vector<Client> clients;
    try {
      while (clients.size() < 5000) clients.push_back(Client::tcp4(port));
    } catch (const std::system_error&) {
      refused = true;
    }
  });
  ASSERT_TRUE(eventually([&] { return pairs.opened > 20; }));
  server.stop();
  connects.join();
  EXPECT_TRUE(refused);
  EXPECT_EQ(pairs.opened, pairs.closed);
  const Stats stats = server->stats();
  EXPECT_EQ(stats.open, 0U);
  EXPECT_EQ(stats.closed, static_cast<std::uint64_t>(pairs.closed));
  EXPECT_EQ(stats.accepted, stats.closed + stats.refused);
}

TEST_P(Shutdown, CallsLoopStoppedAfterTheLastClosedOfTheLoop) {
  struct Count {
    int open = 0;
  };
  EventLog log;
  TestServer server =
      serve({.loop_started = [](Loop& loop) { loop.emplace_context<Count>(); },
             .opened =
                 [&](Conn& c) {
                   ++c.loop().context<Count>()->open;
                   log.add("opened");
                 },
             .closed = [](Conn& c, std::error_code) { --c.loop().context<Count>()->open; },
             .loop_stopped = [](Loop& loop) { EXPECT_EQ(loop.context<Count>()->open, 0); }});
  std::vector<Client> clients;
  for (int i = 0; i < 12; ++i) clients.push_back(server.connect());
  ASSERT_TRUE(log.wait_for("opened", 12));
  server.stop();
}

TEST_P(Shutdown, LeavesNoDescriptorAndNoThread) {
  { TestServer warm_up = serve({}); }
  const auto descriptors = open_descriptors();
  const auto threads = thread_ids();
  for (int round = 0; round < 3; ++round) {
    {
      EventLog log;
      TemporaryDirectory directory;
      TestServer server =
          serve({.opened = [&] { log.add("opened"); }, .tick = [] { return Tick{1ms}; }},
                "tcp://127.0.0.1:0", "udp://127.0.0.1:0", "unix://" + directory / "socket",
                "tcp://127.0.0.1:0?reuseport=true");
      std::vector<Client> clients;
      for (const std::size_t index : {0, 2, 3, 0, 2, 3})
        clients.push_back(server.connect({}, index));
      clients.pop_back();
      ASSERT_TRUE(log.wait_for("opened", 5));
      server.stop();
    }
    EXPECT_EQ(open_descriptors(), descriptors);
    EXPECT_EQ(thread_ids(), threads);
  }
}

TEST_P(Shutdown, FreesThePortImmediately) {
  std::string address = "tcp://127.0.0.1:0";
  for (int i = 0; i < 3; ++i) {
    TestServer server = serve({.opened =
                                   [](Conn& c) {
                                     c.write("!");
                                     return Action::close;  // the server closes first, so that its
                                                            // end of the port stays in TIME_WAIT
                                   }},
                              address);
    EXPECT_EQ(server.connect().receive_rest().bytes, "!");
    address = server.address().to_string();
  }
}

TEST_P(Shutdown, AServerThatNeverRanLeavesNoDescriptorAndNoThread) {
  const auto descriptors = open_descriptors();
  TemporaryDirectory directory;
  {
    const Server server(as_set_up({}), "tcp://127.0.0.1:0", "udp://127.0.0.1:0",
                        "unix://" + directory / "socket");
  }
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST_P(Shutdown, AServerThatNeverRanDropsItsPosts) {
  const auto kept = std::make_shared<int>();
  Handle connection, peer;
  {
    Server server(as_set_up({}), "udp://127.0.0.1:0");
    connection = server.connect("tcp://127.0.0.1:1");
    EXPECT_TRUE(connection.post([kept](Conn&) {}));
    peer = server.datagrams(0, Address::parse("udp://127.0.0.1:1"));
    EXPECT_TRUE(peer.send("early"));
    server.run_after(1s, [kept] {});
    server.loop(0).post([kept] {});
    server.loop(0).run_after(1s, [kept] {});
    server.for_each([kept](Conn&) {});
    server.loop(0).connect("tcp://127.0.0.1:1")->emplace_context<std::shared_ptr<int>>(kept);
  }
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_FALSE(connection.send("late"));
  EXPECT_EQ(connection.pending_output(), 0U);
  EXPECT_FALSE(peer.send("late"));
}

TEST_P(Shutdown, InServingClosesWhatServingStarted) {
  EventLog log;
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const Socket other_end(pair[1]);
  const auto begin = [&](Server& server) {
    EXPECT_TRUE(server.loop(0).connect("tcp://127.0.0.1:1"));
    EXPECT_TRUE(server.loop(server.loops() - 1).adopt(Socket(pair[0]), "unix://adopted"));
    return Action::shutdown;
  };
  TestServer server =
      serve({.serving = begin,
             .opened = [&] { log.add("opened"); },
             .closed = [&](Conn&, std::error_code e) { log.add(e ? e.message() : "closed"); }});
  EXPECT_EQ(message_of(server.wait()), "");
  EXPECT_EQ(log.events(), (std::vector<std::string>{"closed", "closed"}));
  char byte = 0;
  EXPECT_EQ(::recv(other_end.fd(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST_P(Shutdown, WithoutAddressesOrConnectionsIsImmediate) {
  TestServer server(as_set_up({}));
  EXPECT_EQ(server->addresses().size(), 0U);
  server.stop();
}

}  // namespace
}  // namespace evio::test
