// UDP: each datagram of any size is one call of `data`, with the true addresses in both directions.
#include <atomic>
#include <mutex>
#include <stdexcept>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Udp : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Udp);

constexpr std::size_t largest = 65'507;

TEST_P(Udp, DatagramsOfEverySizeArriveWhole) {
  for (const std::string url : {"udp://127.0.0.1:0", "udp4://:0", "udp://:0"}) {
    TestServer server = serve(echo(), url);
    UdpClient client = UdpClient::udp4();
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{1000}, std::size_t{1472}, std::size_t{1473},
          std::size_t{9000}, std::size_t{32'768}, largest - 1, largest}) {
      client.send_to(server.port(), pattern(size));
      const auto reply = client.receive();
      EXPECT_TRUE(same_bytes(reply.bytes, pattern(size))) << url;
      EXPECT_EQ(reply.from_port, server.port());
    }
  }
}

TEST_P(Udp, WorksOverIpv6) {
  for (const std::string url : {"udp6://[::1]:0", "udp6://:0", "udp://[::1]:0", "udp://:0"}) {
    TestServer server = serve(echo(), url);
    UdpClient client = UdpClient::udp6();
    client.connect("::1", server.port());
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, largest}) {
      client.send_to(server.port(), pattern(size));
      EXPECT_TRUE(same_bytes(client.receive().bytes, pattern(size))) << url;
    }
  }
}

// Logs both addresses of each datagram and replies.
Events noting(EventLog& log) {
  return {.data = [&log](Conn& c, Input& in) {
    log.add(c.remote().to_string() + " > " + c.local().to_string());
    c.write(in.take());
  }};
}

TEST_P(Udp, AWildcardSocketAnswersFromTheAddressOfTheRequest) {
  EventLog log;
  TestServer server = serve(noting(log), "udp://:0");
  const std::string port = std::to_string(server.port());
  for (const std::string to : {"127.0.0.1", "127.0.0.2", "127.3.4.5"}) {
    UdpClient client = UdpClient::udp4();
    client.connect(to, server.port());  // receives from the server only
    client.send_to(server.port(), "hello", to);
    const auto reply = client.receive();
    EXPECT_EQ(reply.bytes, "hello");
    EXPECT_EQ(reply.from_ip, to);
  }
  for (const std::string& seen : log.events()) {
    EXPECT_EQ(seen.find("::"), std::string::npos) << "an IPv4 peer is no ::ffff: " << seen;
    EXPECT_NE(seen.find(":" + port), std::string::npos) << seen;
  }
}

TEST_P(Udp, RemoteIsTheSenderAndLocalIsTheDestination) {
  EventLog log;
  TestServer server =
      serve({.data =
                 [&](Conn& c, Input&) {
                   EXPECT_TRUE(c.remote().is_udp());
                   log.add(c.remote().host() + " " + std::to_string(c.remote().port()) + " > " +
                           c.local().host() + " " + std::to_string(c.local().port()));
                 }},
            "udp://:0");
  const std::string port = std::to_string(server.port());
  UdpClient four = UdpClient::udp4();
  four.connect("127.0.0.9", server.port());
  four.send_to(server.port(), "x", "127.0.0.9");
  EXPECT_TRUE(log.wait_for("127.0.0.1 " + std::to_string(four.port()) + " > 127.0.0.9 " + port))
      << log.events().at(0);
  UdpClient six = UdpClient::udp6();
  six.send_to(server.port(), "x");
  EXPECT_TRUE(log.wait_for("::1 " + std::to_string(six.port()) + " > ::1 " + port))
      << log.events().at(1);
}

TEST_P(Udp, ARequestedFamilyIsTheOnlyOneServed) {
  EventLog log;
  TestServer server = serve(noting(log), "udp6://:0", "udp4://:0");
  UdpClient six = UdpClient::udp6();
  six.send_to(server.port(0), "six");
  EXPECT_EQ(six.receive().bytes, "six");
  UdpClient four = UdpClient::udp4();
  four.send_to(server.port(1), "four");
  EXPECT_EQ(four.receive().bytes, "four");
  // The same port of the other family is free.
  EXPECT_NO_THROW(Server(as_set_up({}), "udp4://:" + std::to_string(server.port(0))));
}

TEST_P(Udp, EveryDatagramCallsDataAndEveryWriteIsADatagram) {
  TestServer server = serve({.data =
                                 [](Conn& c, Input& in) {
                                   c.write(in.take(2));  // the rest is dropped
                                   c.write({"p", "q"});
                                   c.write("");
                                   c.write(SharedBytes("end"));
                                 }},
                            "udp://127.0.0.1:0");
  UdpClient client = UdpClient::udp4();
  for (int i = 0; i < 10; ++i) client.send_to(server.port(), "abcdef");
  for (int i = 0; i < 10; ++i)
    for (const std::string expected : {"ab", "pq", "", "end"})
      EXPECT_EQ(client.receive().bytes, expected);
  EXPECT_TRUE(client.silent());
}

TEST_P(Udp, ADatagramThatIsTooLargeIsDroppedAndCounted) {
  TestServer server = serve({.data =
                                 [](Conn& c, Input& in) {
                                   in.take();
                                   EXPECT_FALSE(c.write(std::string(70'000, 'x')));
                                   EXPECT_TRUE(c.write("small"));
                                   EXPECT_TRUE(c.is_open());
                                 }},
                            "udp://127.0.0.1:0");
  UdpClient client = UdpClient::udp4();
  client.send_to(server.port(), "x");
  EXPECT_EQ(client.receive().bytes, "small");
  EXPECT_TRUE(eventually([&] {
    const Stats stats = server->stats();
    return stats.datagrams_sent == 1 && stats.sent == 5 && stats.datagrams_dropped == 1;
  }));
  EXPECT_EQ(server->stats().datagrams_received, 1U);
  EXPECT_EQ(server->stats().received, 1U);
}

TEST_P(Udp, HasNoOtherEventsAndNoContext) {
  EventLog log;
  const auto note = [&](const char* what) { return [&log, what] { log.add(what); }; };
  TestServer server = serve({.opened = note("opened"),
                             .data =
                                 [&](Conn& c, Input&) {
                                   EXPECT_EQ(c.context<int>(), nullptr);
                                   EXPECT_THROW(c.emplace_context<int>(1), std::logic_error);
                                   EXPECT_THROW(c.values(), std::logic_error);
                                   EXPECT_EQ(c.id(), 0U);
                                   EXPECT_EQ(c.pending_output(), 0U);
                                   c.pause();
                                   c.resume();
                                   c.close();
                                   c.abort();
                                   c.shutdown_write();
                                   c.set({.idle_timeout = 1ms});
                                   c.run_after(0s, [&] { log.add("timer"); });
                                   EXPECT_TRUE(c.is_open());
                                   c.write("answer");
                                   return Action::close;
                                 },
                             .drained = note("drained"),
                             .ended = note("ended"),
                             .closed = note("closed"),
                             .detached = note("detached")},
                            "udp://127.0.0.1:0");
  UdpClient client = UdpClient::udp4();
  for (int i = 0; i < 3; ++i) {
    client.send_to(server.port(), "x");
    EXPECT_EQ(client.receive().bytes, "answer");
  }
  server.stop();
  EXPECT_EQ(log.size(), 0U);
}

TEST_P(Udp, AHandleMayBeUsedAtAnyTime) {
  HandleSlot handle;
  EventLog log;
  Handle name;
  {
    TestServer server = serve({.data =
                                   [&](Conn& c, Input&) {
                                     log.add("data");
                                     handle.put(c);
                                   }},
                              "udp://127.0.0.1:0");
    UdpClient client = UdpClient::udp4();
    client.send_to(server.port(), "x");
    name = *handle;
    EXPECT_TRUE(name.send("later"));
    EXPECT_EQ(client.receive().bytes, "later");
    EXPECT_TRUE(name.send(SharedBytes("shared")));
    const auto datagram = client.receive();
    EXPECT_EQ(datagram.bytes, "shared");
    EXPECT_EQ(datagram.from_port, server.port());
    EXPECT_EQ(name.id(), 0U);
    name.wake();
    name.close();
    EXPECT_FALSE(name.post([&](Conn&) { log.add("post"); }));
    name.send("as before");
    EXPECT_EQ(client.receive().bytes, "as before");
    EXPECT_EQ(log.size(), 1U);
  }
  EXPECT_FALSE(name.send("the server is gone"));
}

TEST_P(Udp, AHandleOfAWildcardSocketAnswersFromTheAddressOfTheRequest) {
  HandleSlot handle;
  TestServer server = serve({.data = [&](Conn& c, Input&) { handle.put(c); }}, "udp://:0");
  UdpClient client = UdpClient::udp4();
  client.connect("127.0.0.7", server.port());
  client.send_to(server.port(), "x", "127.0.0.7");
  handle.get().send("later");
  const auto datagram = client.receive();
  EXPECT_EQ(datagram.bytes, "later");
  EXPECT_EQ(datagram.from_ip, "127.0.0.7");
}

TEST_P(Udp, DatagramsMayBeSentWithoutARequest) {
  for (const char* url : {"udp://127.0.0.1:0", "udp://:0"}) {
    TestServer server = serve({}, url);
    UdpClient client = UdpClient::udp4();
    client.send_to(server.port(), "unanswered");  // the kernel has assigned a port now
    const Address peer = Address::parse("udp://127.0.0.1:" + std::to_string(client.port()));
    Handle handle = server->datagrams(0, peer);
    EXPECT_TRUE(handle.send("out of the blue"));
    const auto got = client.receive();
    EXPECT_EQ(got.bytes, "out of the blue");
    EXPECT_EQ(got.from_port, server.port());
    EXPECT_THROW(server->datagrams(0, Address::parse("udp://localhost:1")), Error);
    EXPECT_THROW(server->datagrams(0, Address::parse("udp://127.0.0.1:0")), Error);
    EXPECT_THROW(server->datagrams(1, peer), std::out_of_range);
  }
  TestServer stream = serve({});
  EXPECT_THROW(stream->datagrams(0, Address::parse("udp://127.0.0.1:1")), Error);
}

TEST_P(Udp, DatagramsSentBeforeTheLoopsRunWaitForThem) {
  UdpClient client = UdpClient::udp4();
  client.send_to(9, "");  // the destination does not matter: the kernel has assigned a port now
  const Address peer = Address::parse("udp://127.0.0.1:" + std::to_string(client.port()));
  TestServer server = serve({.serving = [&](Server& s) { s.datagrams(0, peer).send("early"); }},
                            "udp://127.0.0.1:0");
  EXPECT_EQ(client.receive().bytes, "early");
}

TEST_P(Udp, HandlesOfOnePeerAreEqual) {
  std::mutex mutex;
  std::vector<Handle> handles;
  TestServer server = serve({.data =
                                 [&](Conn& c, Input&) {
                                   const std::lock_guard lock(mutex);
                                   handles.push_back(c.handle());
                                   c.write("!");
                                 }},
                            "udp://127.0.0.1:0");
  UdpClient one = UdpClient::udp4(), other = UdpClient::udp4();
  for (UdpClient* client : {&one, &one, &other}) {
    client->send_to(server.port(), "x");
    client->receive();
  }
  const std::lock_guard lock(mutex);
  EXPECT_EQ(handles.at(0), handles.at(1));
  EXPECT_EQ(std::hash<Handle>()(handles.at(0)), std::hash<Handle>()(handles.at(1)));
  EXPECT_NE(handles.at(0), handles.at(2));
}

TEST_P(Udp, ShutdownIsObeyedAndAnExceptionIsPassedToFailed) {
  EventLog log;
  TestServer server =
      serve({.data =
                 [](Conn& c, Input& in) {
                   if (in.view() == "throw") throw std::runtime_error("fault");
                   if (in.view() == "stop") return Action::shutdown;
                   c.write(in.take());
                   return Action::none;
                 },
             .failed = [&](Conn*, std::exception_ptr error) { log.add(message_of(error)); }},
            "udp://127.0.0.1:0");
  UdpClient client = UdpClient::udp4();
  client.send_to(server.port(), "throw");
  client.send_to(server.port(), "x");
  EXPECT_EQ(client.receive().bytes, "x") << "others go on";
  EXPECT_EQ(log.events(), std::vector<std::string>{"fault"});
  client.send_to(server.port(), "stop");
  EXPECT_EQ(message_of(server.wait()), "");
}

TEST_P(Udp, AnExceptionWithoutFailedDropsOnlyItsDatagram) {
  TestServer server = serve({.data =
                                 [](Conn& c, Input& in) {
                                   if (in.view() == "throw") throw std::runtime_error("fault");
                                   c.write(in.take());
                                 }},
                            "udp://127.0.0.1:0");
  UdpClient client = UdpClient::udp4();
  for (int i = 0; i < 3; ++i) {
    client.send_to(server.port(), "throw");
    client.send_to(server.port(), "x");
    EXPECT_EQ(client.receive().bytes, "x");
  }
  EXPECT_EQ(server->stats().exceptions, 3U);
  EXPECT_EQ(server->stats().datagrams_dropped, 3U);
}

TEST_P(Udp, ManyDatagramsOfManyPeersAreAllServed) {
  for (const std::string url : {"udp://127.0.0.1:0", "udp://127.0.0.1:0?reuseport=true"}) {
    TestServer server = serve(echo(), url);
    std::vector<Background> peers;
    for (int p = 0; p < 4; ++p)
      peers.emplace_back([&server] {
        UdpClient client = UdpClient::udp4();
        for (int i = 0; i < 100; ++i) {
          for (int burst = 0; burst < 5; ++burst)
            client.send_to(server.port(), std::to_string(i * 5 + burst));
          for (int burst = 0; burst < 5; ++burst)
            EXPECT_EQ(client.receive().bytes, std::to_string(i * 5 + burst));
        }
      });
    peers.clear();
    EXPECT_EQ(server->stats().datagrams_received, 2000U);
  }
}

TEST_P(Udp, APeerThatIsGoneDoesNotAffectOthers) {
  TestServer server = serve(echo(), "udp://127.0.0.1:0");
  for (int i = 0; i < 20; ++i) {
    UdpClient gone = UdpClient::udp4();
    gone.send_to(server.port(), "the answer finds a closed port");
  }
  UdpClient client = UdpClient::udp4();
  client.send_to(server.port(), "x");
  EXPECT_EQ(client.receive().bytes, "x");
}

TEST_P(Udp, WorksBesideTcpOnTheSameServer) {
  TestServer server =
      serve({.data =
                 [](Conn& c, Input& in) {
                   c.write(std::string(in.take()) + std::to_string(c.address_index()));
                 }},
            "tcp://127.0.0.1:0", "udp://127.0.0.1:0");
  Client stream = server.connect({}, 0);
  UdpClient datagram = UdpClient::udp4();
  datagram.send_to(server.port(1), "udp");
  stream.send("tcp");
  EXPECT_EQ(stream.receive(4), "tcp0");
  EXPECT_EQ(datagram.receive().bytes, "udp1");
}

}  // namespace
}  // namespace evio::test
