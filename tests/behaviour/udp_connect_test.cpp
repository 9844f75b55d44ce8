// Connections to a UDP address: one peer, one datagram per call, and closed when the peer refuses.
#include <atomic>
#include <string>

#include "support/behaviour.hpp"
#include "support/bytes.hpp"

namespace evio::test { namespace {

class UdpConnect : public Behaviour {
 protected:
  EventLog log;

  Events noted() {
    return {
        .opened = [this] { log.add("opened"); },
        .data = [this](Conn&, Input& in) { log.add("data " + std::string(in.take())); },
        .closed = [this](Conn&,
                         std::error_code e) { log.add(e ? "closed: " + e.message() : "closed"); }};
  }
  static std::string url_of(const UdpClient& peer) {
    return "udp://127.0.0.1:" + std::to_string(peer.port());
  }
  void connect_on_loop(
      TestServer& server, const Binding& to, Callback<void(Conn&)> then = [] {}) {
    server.on_loop(0, [&] {
      Conn* made = server->loop(0).connect(to);
      ASSERT_TRUE(made);
      then(*made);
      EXPECT_EQ(log.size(), 0U) << "inside the call";
    });
  }
};
EVIO_ON_EVERY_BACKEND(UdpConnect);

TEST_P(UdpConnect, EveryWriteIsADatagramAndEveryDatagramCallsData) {
  UdpClient peer = UdpClient::bound();
  TestServer server = serve({});
  Events events = noted();
  events.data = [this](Conn& c, Input& in) {
    log.add("data " + std::string(in.take(2)));  // the rest is dropped
    c.write({"p", "q"});
    c.write("");
    c.write(SharedBytes("end"));
  };
  const Handle handle = server->connect(on(url_of(peer), std::move(events)));
  handle.send("hello");
  handle.send("");
  const auto hello = peer.receive();
  EXPECT_EQ(hello.bytes, "hello");
  EXPECT_EQ(peer.receive().bytes, "");
  for (const char* sent : {"abcdef", "", "x"}) {
    peer.send_to(hello.from_port, sent);
    EXPECT_TRUE(log.wait_for("data " + std::string(sent).substr(0, 2)));
    EXPECT_EQ(peer.receive().bytes, "pq");
    EXPECT_EQ(peer.receive().bytes, "");
    EXPECT_EQ(peer.receive().bytes, "end");
  }
  EXPECT_EQ(log.count("opened"), 1U);
}

TEST_P(UdpConnect, DatagramsOfEverySizeArriveWhole) {
  TestServer far(echo(), "udp://127.0.0.1:0");
  TestServer server = serve({});
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{1473}, std::size_t{65'507}}) {
    Gate came;
    std::string got;
    const Handle handle =
        server->connect(on(far.address().to_string(), {.data = [&](Conn&, Input& in) {
                             got = in.take();
                             came.open();
                           }}));
    handle.send(pattern(size));
    ASSERT_TRUE(came.wait());
    EXPECT_TRUE(same_bytes(got, pattern(size)));
    handle.close();
    EXPECT_TRUE(eventually([&] { return !handle.send("dead"); }));
  }
}

TEST_P(UdpConnect, SupportsTheCallsOfAStreamConnection) {
  TestServer far(echo(), "udp://127.0.0.1:0");
  TestServer server = serve({});
  Events events = noted();
  events.opened = [&](Conn& c) {
    EXPECT_EQ(c.remote(), far.address());
    EXPECT_EQ(c.local().host(), "127.0.0.1");
    EXPECT_TRUE(c.local().is_udp());
    EXPECT_NE(c.local().port(), 0);
    EXPECT_EQ(c.address_index(), -1);
    EXPECT_EQ(c.pending_output(), 0U);
    EXPECT_GE(c.native_handle(), 0);
    EXPECT_NO_THROW(c.set({.receive_buffer = 65536}));
    log.add("opened " + *c.context<std::string>());
  };
  connect_on_loop(server, on("udp://localhost:" + std::to_string(far.port()), std::move(events)),
                  [](Conn& c) {
                    EXPECT_EQ(c.remote().host(), "localhost");
                    EXPECT_TRUE(c.is_open());
                    EXPECT_EQ(c.native_handle(), -1);
                    EXPECT_NE(c.id(), 0U);
                    c.emplace_context<std::string>("mine");
                    EXPECT_FALSE(c.write(pattern(2 * mib))) << "more than waits for the look-up";
                    c.close();
                    EXPECT_FALSE(c.write("too late"));
                  });
  EXPECT_TRUE(log.wait_for("closed"));
  log.clear();
  Events like = noted();
  like.opened = [&](Conn& c) {
    EXPECT_EQ(c.remote(), far.address());
    log.add("opened " + *c.context<std::string>());
  };
  connect_on_loop(server, on(far.address().to_string(), std::move(like)), [this](Conn& c) {
    c.emplace_context<std::string>("mine");
    EXPECT_TRUE(c.write("early"));
    EXPECT_EQ(c.pending_output(), 5U);
    c.run_after(1ms, [this](Conn& later) {
      log.add("timer");
      later.handle().send("bird");
    });
  });
  EXPECT_TRUE(log.wait_for("opened mine"));
  EXPECT_TRUE(log.wait_for("data early"));
  EXPECT_TRUE(log.wait_for("timer"));
  EXPECT_TRUE(log.wait_for("data bird"));
}

TEST_P(UdpConnect, ReportsWhenADatagramWasSent) {
  UdpClient peer = UdpClient::bound();
  TestServer server = serve({});
  const Handle handle = server->connect(on(url_of(peer), noted()));
  const auto note = [this](std::error_code error) { log.add(error ? "lost" : "left"); };
  handle.send(SharedBytes("early"), note);
  EXPECT_TRUE(log.wait_for("left"));
  EXPECT_EQ(log.events().front(), "opened");
  handle.send(SharedBytes("later"), note);
  EXPECT_TRUE(log.wait_for("left", 2));
  EXPECT_EQ(peer.receive().bytes, "early");
  EXPECT_EQ(peer.receive().bytes, "later");
}

TEST_P(UdpConnect, ReceivesOnlyFromItsPeer) {
  UdpClient peer = UdpClient::bound(), stranger = UdpClient::udp4();
  TestServer server = serve({});
  server->connect(on(url_of(peer), noted())).send("hello");
  const std::uint16_t port = peer.receive().from_port;
  stranger.send_to(port, "let me in");
  peer.send_to(port, "me");
  EXPECT_TRUE(log.wait_for("data me"));
  EXPECT_EQ(log.count("data let me in"), 0U);
}

TEST_P(UdpConnect, CloseIsImmediateAndSendsWhatWasWritten) {
  UdpClient peer = UdpClient::bound();
  TestServer server = serve({});
  for (const bool abort : {false, true}) {
    Events events = noted();
    events.opened = [abort](Conn& c) {
      c.write("last words");
      abort ? c.abort() : c.close();
      EXPECT_FALSE(c.is_open());
      EXPECT_FALSE(c.write("too late"));
    };
    server->connect(on(url_of(peer), std::move(events)));
    EXPECT_TRUE(log.wait_for("closed", abort ? 2 : 1));
    EXPECT_EQ(peer.receive().bytes, "last words");
  }
  Events detaching = noted();
  detaching.opened = [](Conn&) { return Action::detach; };
  detaching.detached = [this](Conn&, Socket) { log.add("detached"); };
  server->connect(on(url_of(peer), std::move(detaching)));
  EXPECT_TRUE(log.wait_for("closed", 3));
  EXPECT_EQ(log.count("detached"), 0U);
}

TEST_P(UdpConnect, ARefusalClosesIt) {
  std::string url;
  {
    const UdpClient gone = UdpClient::bound();
    url = url_of(gone);
  }
  TestServer server = serve({});
  const std::string refused =
      "closed: " + std::make_error_code(std::errc::connection_refused).message();
  server->connect(on(url, noted())).send("is anybody there?");
  EXPECT_TRUE(log.wait_for(refused));
  EXPECT_EQ(log.count("opened"), 1U);
  log.clear();
  Events insisting = noted();  // the next send learns of the refusal first
  insisting.opened = [](Conn& c) {
    c.run_after(0ms, [](Conn& again) {
      for (int i = 0; i < 200; ++i) again.write("hello?");
    });
  };
  server->connect(on(url, std::move(insisting)));
  EXPECT_TRUE(log.wait_for(refused));
}

TEST_P(UdpConnect, DatagramsThatArriveDuringAPauseAreDropped) {
  UdpClient peer = UdpClient::bound();
  TestServer server = serve({});
  Events events = noted();
  events.opened = [](Conn& c) { c.pause(); };
  const Handle handle = server->connect(on(url_of(peer), std::move(events)));
  handle.send("hello");
  const std::uint16_t port = peer.receive().from_port;
  peer.send_to(port, "unheard");
  EXPECT_TRUE(eventually([&] { return server->stats().datagrams_dropped == 1; }));
  handle.post([](Conn& c) { c.resume(); });
  handle.send("I listen");
  EXPECT_EQ(peer.receive().bytes, "I listen");
  peer.send_to(port, "heard");
  EXPECT_TRUE(log.wait_for("data heard"));
  EXPECT_EQ(log.count("data unheard"), 0U);
  handle.wake();
  EXPECT_TRUE(log.wait_for("data "));
}

TEST_P(UdpConnect, ReceivesAfterShutdownWrite) {
  UdpClient peer = UdpClient::bound();
  TestServer server = serve({});
  Events events = noted();
  events.opened = [](Conn& c) {
    c.write("that is all");
    c.shutdown_write();
    EXPECT_FALSE(c.write("more"));
    EXPECT_TRUE(c.is_open());
  };
  server->connect(on(url_of(peer), std::move(events)));
  const auto all = peer.receive();
  EXPECT_EQ(all.bytes, "that is all");
  peer.send_to(all.from_port, "thanks");
  EXPECT_TRUE(log.wait_for("data thanks"));
}

TEST_P(UdpConnect, IsClosedByTheIdleTimeout) {
  UdpClient peer = UdpClient::bound();
  TestServer server = serve({});
  Events events = noted();
  events.options.idle_timeout = 20ms;
  server->connect(on(url_of(peer), std::move(events)));
  EXPECT_TRUE(log.wait_for("closed: " + make_error_code(Errc::idle_timeout).message()));
}

TEST_P(UdpConnect, AnExceptionClosesOnlyItsConnection) {
  TestServer far(echo(), "udp://127.0.0.1:0");
  TestServer server = serve({.failed = [this](Conn* c, std::exception_ptr) {
    EXPECT_TRUE(c);
    log.add("failed");
  }});
  Events events = noted();
  events.data = [](Conn&, Input&) { throw std::runtime_error("a bad datagram"); };
  const Handle other = server->connect(on(far.address().to_string(), noted()));
  server->connect(on(far.address().to_string(), std::move(events))).send("x");
  EXPECT_TRUE(log.wait_for("closed: " + make_error_code(Errc::handler_failed).message()));
  EXPECT_EQ(log.count("failed"), 1U);
  other.send("still here");
  EXPECT_TRUE(log.wait_for("data still here"));
}

TEST_P(UdpConnect, ManyConnectionsLeaveNoSocketOpen) {
  TestServer far(echo(), "udp://127.0.0.1:0");
  TestServer server = serve({});
  const Binding to = on(far.address().to_string(), {.data =
                                                        [this](Conn& c, Input& in) {
                                                          log.add("data " + std::string(in.take()));
                                                          c.close();
                                                        },
                                                    .closed = [this] { log.add("closed"); }});
  for (std::size_t round = 1; round <= 5; ++round) {
    for (int i = 0; i < 20; ++i) server->connect(to).send(std::to_string(i));
    EXPECT_TRUE(log.wait_for("closed", round * 20));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(log.count("data " + std::to_string(i)), round);
  }
  EXPECT_TRUE(eventually([&] { return server->stats().open == 0; }));
}

TEST_P(UdpConnect, IsClosedWhenTheServerEnds) {
  TestServer far(echo(), "udp://127.0.0.1:0");
  for (const bool drained : {false, true}) {
    log.clear();
    TestServer server = serve({});
    for (int i = 0; i < 5; ++i) server->connect(on(far.address().to_string(), noted()));
    EXPECT_TRUE(log.wait_for("opened", 5));
    drained ? server->drain(10s) : server->shutdown();
    server.wait();
    EXPECT_EQ(log.count("closed"), 5U);
  }
}

}  // namespace
}  // namespace evio::test
