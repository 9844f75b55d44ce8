// Outgoing connections: made by any thread; each ends with either opened or closed, never without
// both.
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <memory>

#include "support/background.hpp"
#include "support/behaviour.hpp"
#include "support/bytes.hpp"
#include "support/event_log.hpp"

namespace evio::test { namespace {

class Connect : public Behaviour {
 protected:
  EventLog log;

  // Logs the events of a connection: all that it has received, and its error.
  Events noted() {
    return {
        .opened = [this] { log.add("opened"); },
        .data =
            [this](Conn& c, Input& in) {
              struct Received {
                std::string all;
              };
              if (!c.context<Received>()) c.emplace_context<Received>();
              log.add("data " + (c.context<Received>()->all += in.take()));
            },
        .closed = [this](Conn&,
                         std::error_code e) { log.add(e ? "closed: " + e.message() : "closed"); }};
  }
  // Connects on loop 0 with these events.
  void connect_on_loop(
      TestServer& server, const Binding& to, Callback<void(Conn&)> then = [] {}) {
    server.on_loop(0, [&] {
      Conn* made = server->loop(0).connect(to);
      ASSERT_TRUE(made);
      then(*made);
      EXPECT_EQ(log.size(), 0U) << "inside the call";
    });
  }
  // An address without a listener.
  static std::string nobody() {
    const TestServer gone({}, "tcp://127.0.0.1:0");
    return gone.address().to_string();
  }
};
EVIO_ON_EVERY_BACKEND(Connect);

TEST_P(Connect, EveryCallWorksBeforeTheConnectionIsOpen) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  TestServer server = serve({}, "tcp://127.0.0.1:0");
  Events events = noted();
  events.opened = [this](Conn& c) {
    log.add("opened " + *c.context<std::string>() + " " + c.remote().to_string());
  };
  connect_on_loop(server, on(far.address().to_string(), std::move(events)), [this, &far](Conn& c) {
    EXPECT_TRUE(c.is_open());
    EXPECT_EQ(c.address_index(), -1);
    EXPECT_EQ(c.remote(), far.address());
    EXPECT_EQ(c.native_handle(), -1);
    c.emplace_context<std::string>("mine");
    EXPECT_TRUE(c.write("early "));
    EXPECT_EQ(c.pending_output(), 6U);
    c.run_after(1ms, [this](Conn& later) {
      log.add("timer");
      later.write("bird");
    });
  });
  EXPECT_TRUE(log.wait_for("opened mine " + far.address().to_string()));
  EXPECT_TRUE(log.wait_for("timer"));
  EXPECT_TRUE(log.wait_for("data early bird"));
}

TEST_P(Connect, AFailureCallsOnlyClosed) {
  TestServer server = serve({});
  connect_on_loop(server, on(nobody(), noted()));
  ASSERT_TRUE(eventually([&] { return log.size() > 0; }));
  EXPECT_EQ(log.events().front(),
            "closed: " + std::make_error_code(std::errc::connection_refused).message());
  server.stop();
  EXPECT_EQ(log.size(), 1U);
}

TEST_P(Connect, ResolvesNamesAndTriesAllTheirAddresses) {
  TestServer far(echo(), "tcp://127.0.0.1:0");  // localhost may resolve to [::1] first
  TestServer server = serve({});
  connect_on_loop(server, on("tcp://localhost:" + std::to_string(far.port()), noted()),
                  [](Conn& c) {
                    EXPECT_EQ(c.remote().host(), "localhost");
                    c.write("hello");
                  });
  EXPECT_TRUE(log.wait_for("opened"));
  EXPECT_TRUE(log.wait_for("data hello"));
}

TEST_P(Connect, AnUnknownNameIsAnError) {
  TestServer server = serve({});
  Events events = noted();
  std::error_code why;
  events.closed = [&](Conn&, std::error_code e) {
    why = e;
    log.add("closed");
  };
  connect_on_loop(server, on("tcp://no-such-host.invalid:1", std::move(events)));
  EXPECT_TRUE(log.wait_for("closed"));
  EXPECT_TRUE(why == Errc::name_not_found || why == std::errc::resource_unavailable_try_again)
      << why.message();
}

// A full backlog leaves the attempt without a reply.
TEST_P(Connect, TakesNoLongerThanConnectTimeout) {
  const Socket deaf(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  ASSERT_EQ(::bind(deaf.fd(), reinterpret_cast<sockaddr*>(&where), size), 0);
  ASSERT_EQ(::listen(deaf.fd(), 0), 0);
  ASSERT_EQ(::getsockname(deaf.fd(), reinterpret_cast<sockaddr*>(&where), &size), 0);
  const std::string url = "tcp://127.0.0.1:" + std::to_string(ntohs(where.sin_port));
  const Client first = Client::to(Address::parse(url));
  TestServer server = serve({});
  Events events = noted();
  events.limits.connect_timeout = 50ms;
  connect_on_loop(server, on(url, std::move(events)));
  ASSERT_TRUE(eventually([&] { return log.size() > 0; }));
  EXPECT_EQ(log.events().front(), "closed: " + make_error_code(Errc::connect_timeout).message());
}

TEST_P(Connect, MayBeClosedBeforeItIsOpen) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  TestServer server = serve({});
  connect_on_loop(server, on(far.address().to_string(), noted()), [](Conn& c) {
    c.close();
    EXPECT_FALSE(c.is_open());
    EXPECT_FALSE(c.write("too late"));
  });
  EXPECT_TRUE(log.wait_for("closed"));
  log.clear();
  connect_on_loop(server, on(far.address().to_string(), noted()), [](Conn& c) {
    c.write("this is lost");
    c.close();
  });
  EXPECT_TRUE(
      log.wait_for("closed: " + std::make_error_code(std::errc::operation_canceled).message()));
  log.clear();
  connect_on_loop(server, on(far.address().to_string(), noted()), [](Conn& c) {
    c.write("this, too");
    c.abort();
  });
  EXPECT_TRUE(log.wait_for("closed"));
  server.stop();
  EXPECT_EQ(log.count("opened"), 0U);
}

TEST_P(Connect, ShutdownWriteBeforeItIsOpenFollowsTheOutput) {
  std::string got;
  Gate ended;
  TestServer far({.data = [&](Conn&, Input& in) { got += in.take(); },
                  .ended = [&](Conn&, Input&) { ended.open(); }},
                 "tcp://127.0.0.1:0");
  TestServer server = serve({});
  connect_on_loop(server, on(far.address().to_string(), noted()), [](Conn& c) {
    c.write("all of it");
    c.shutdown_write();
    EXPECT_FALSE(c.write("more"));
  });
  ASSERT_TRUE(ended.wait());
  EXPECT_EQ(got, "all of it");
}

TEST_P(Connect, WorksFromAnyThreadThroughAHandle) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  TestServer server = serve({});
  std::vector<Handle> handles;
  for (int i = 0; i < 8; ++i) {
    handles.push_back(server->connect(on(far.address().to_string(), noted())));
    EXPECT_TRUE(handles.back().send("number " + std::to_string(i)));
    handles.back().post([this](Conn& c) { log.add("posted " + std::to_string(c.id())); });
  }
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(log.wait_for("data number " + std::to_string(i)));
    EXPECT_TRUE(
        log.wait_for("posted " + std::to_string(handles[static_cast<std::size_t>(i)].id())));
  }
  handles[0].close();
  EXPECT_TRUE(log.wait_for("closed"));
  EXPECT_TRUE(eventually([&] { return !handles[0].send("dead"); }));
}

TEST_P(Connect, WorksBeforeTheLoopsRun) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  const Binding to = on(far.address().to_string(), noted());
  TestServer server = serve({.serving = [&](Server& s) { s.connect(to).send("first thing"); }});
  EXPECT_TRUE(log.wait_for("data first thing"));
}

TEST_P(Connect, WorksOnALoopBeforeRun) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  Server server(as_set_up({}));
  Conn* const made = server.loop(loops() - 1).connect(on(far.address().to_string(), noted()));
  ASSERT_TRUE(made);
  made->write("first thing");
  Background running([&] { server.run(); });
  EXPECT_TRUE(log.wait_for("data first thing"));
  server.shutdown();
}

TEST_P(Connect, WorksInAServerWithoutAddresses) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  const Binding to = on(far.address().to_string(), noted());
  TestServer client(
      as_set_up({.serving = [&](Server& s) { s.connect(to).send("a pure client"); }}));
  EXPECT_TRUE(log.wait_for("data a pure client"));
}

TEST_P(Connect, ShutdownCancelsPendingAttempts) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  {
    TestServer server = serve({});
    for (int i = 0; i < 20; ++i) server->connect(on(far.address().to_string(), noted()));
    server->connect(on("tcp://localhost:" + std::to_string(far.port()), noted()));
    server->shutdown();
    server.wait();
    EXPECT_FALSE(server->connect(on(far.address().to_string(), noted())).send("dead"));
    EXPECT_EQ(server->loop(0).post([] {}), false);
  }
  EXPECT_LE(log.count("opened"), log.count("closed"));
}

TEST_P(Connect, AHandleMadeDuringShutdownBelongsToAClosedConnection) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  bool sent = true;
  TestServer server = serve({.closed = [&](Conn& c, std::error_code) {
    sent = c.server().connect(on(far.address().to_string(), noted())).send("dead");
  }});
  Client client = server.connect();
  ASSERT_TRUE(eventually([&] { return server->stats().open == 1; }));
  server->shutdown();
  server.wait();
  EXPECT_FALSE(sent);
  EXPECT_EQ(log.size(), 0U);
}

TEST_P(Connect, AnFdAddressIsAnErrorThatNamesIt) {
  TestServer server = serve({});
  try {
    server->connect("fd://123");
    ADD_FAILURE() << "connected";
  } catch (const Error& error) {
    EXPECT_EQ(error.address(), "fd://123");
  }
}

TEST_P(Connect, AddressesThatCannotBeReachedAreAnError) {
  TestServer server = serve({});
  for (const char* url : {"tcp://:5000", "tcp://127.0.0.1:0", "udp://:5000", "udp://127.0.0.1:0"}) {
    EXPECT_THROW(server->connect(url), Error) << url;
    server.on_loop(0, [&] { EXPECT_THROW(server->loop(0).connect(url), Error) << url; });
  }
}

TEST_P(Connect, AProxyForwardsBytesAndEnds) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  struct Link {
    Conn* other = nullptr;
  };
  const auto pass = [](Conn& c, Input& in) {
    if (Conn* other = c.context<Link>()->other) other->write(in.take());
  };
  const auto end = [](Conn& c, Input& in) {
    if (Conn* other = c.context<Link>()->other) {
      other->write(in.take());
      other->shutdown_write();
    }
  };
  const auto part = [](Conn& c, std::error_code) {
    if (Conn* other = c.context<Link>()->other) {
      other->context<Link>()->other = nullptr;
      other->close();
    }
  };
  const Binding upstream =
      on(far.address().to_string(), {.data = pass, .ended = end, .closed = part});
  TestServer server = serve({.opened =
                                 [&](Conn& c) {
                                   Conn* up = c.loop().connect(upstream);
                                   up->emplace_context<Link>(&c);
                                   c.emplace_context<Link>(up);
                                 },
                             .data = pass,
                             .ended = end,
                             .closed = part});
  const std::string bytes = pattern(3 * mib);
  Client client = server.connect();
  client.send("at once");
  EXPECT_EQ(client.receive(7), "at once");
  const Background sending([&] {
    client.send(bytes);
    client.shutdown_write();
  });
  EXPECT_TRUE(same_bytes(client.receive_rest().bytes, bytes));
}

// In a network namespace where the kernel has one port to choose from; false if the namespace
// cannot be made. Then a socket that connects to its own port would be connected to itself.
bool with_one_port_to_choose(int port) {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWNET) != 0) return false;
  const Socket any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP;
  if (::ioctl(any.fd(), SIOCSIFFLAGS, &loopback) != 0) return false;
  std::ofstream range("/proc/sys/net/ipv4/ip_local_port_range");
  range << port << ' ' << port << std::flush;
  return static_cast<bool>(range);
}

TEST_P(Connect, ASocketIsNeverConnectedToItself) {
  in_child_process([&] {
    constexpr int port = 40000;
    if (!with_one_port_to_choose(port)) return;
    TestServer server = serve({}, std::vector<Binding>{});
    for (const char* scheme : {"tcp", "udp"}) {
      server->connect(on(scheme + ("://127.0.0.1:" + std::to_string(port)), noted()));
      ASSERT_TRUE(
          log.wait_for("closed: " + std::make_error_code(std::errc::connection_refused).message()));
      EXPECT_EQ(log.count("opened"), 0U) << scheme;
      log.clear();
    }
    // The attempt does not keep the port from a later listener, either.
    const TestServer far(echo(), "tcp://127.0.0.1:" + std::to_string(port));
  });
}

// A unix socket reports immediately that its backlog is full.
TEST_P(Connect, RetriesWhileTheBacklogIsFull) {
  const std::string url = "unix://@evio-backlog-" + std::to_string(::getpid());
  Server far({.limits = {.backlog = 0}, .opened = [](Conn& c) { c.write("served"); }}, url);
  TestServer server = serve({});
  Events events = noted();
  events.limits.connect_timeout = hang_guard;
  const Binding to = on(url, std::move(events));
  for (int i = 0; i < 5; ++i) server->connect(to);
  ASSERT_TRUE(log.wait_for("opened"));
  Background serving([&] { far.run(); });
  EXPECT_TRUE(log.wait_for("opened", 5));
  EXPECT_EQ(log.count("closed"), 0U);
  far.shutdown();
}

TEST_P(Connect, RetriesAFullBacklogUntilConnectTimeout) {
  const std::string url = "unix://@evio-backlog-" + std::to_string(::getpid());
  const Server far({.limits = {.backlog = 0}}, url);
  std::error_code why;
  bool any_closed = false;
  Gate closed;
  TestServer server = serve({});  // its end closes the connections that still wait
  Events events;
  events.limits.connect_timeout = 50ms;
  events.closed = [&](Conn&, std::error_code error) {
    if (std::exchange(any_closed, true)) return;  // the test reads the first error
    why = error;
    closed.open();
  };
  const Binding to = on(url, std::move(events));
  server.on_loop(0, [&] {
    for (int i = 0; i < 3; ++i) server->loop(0).connect(to);
  });
  ASSERT_TRUE(closed.wait());
  EXPECT_EQ(why, Errc::connect_timeout);
}

TEST_P(Connect, AdoptsAConnectedSocket) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  Socket mine(ends[0]);
  TestServer server = serve({});
  Events events = noted();
  events.data = [](Conn& c, Input& in) { c.write(in.take()); };
  server.on_loop(0, [&] {
    Conn* made = server->loop(0).adopt(Socket(ends[1]), on("unix://@peer", std::move(events)));
    ASSERT_TRUE(made);
    EXPECT_EQ(log.size(), 0U);
    made->write("welcome ");
  });
  EXPECT_TRUE(log.wait_for("opened"));
  ASSERT_EQ(::write(mine.fd(), "guest", 5), 5);
  std::string got(13, '\0');
  std::size_t at = 0;
  while (at < got.size()) {
    const ssize_t n = ::read(mine.fd(), got.data() + at, got.size() - at);
    ASSERT_GT(n, 0);
    at += static_cast<std::size_t>(n);
  }
  EXPECT_EQ(got, "welcome guest");
  mine = Socket();
  EXPECT_TRUE(log.wait_for("closed"));
}

TEST_P(Connect, BindsToTheChosenSourceAddress) {
  EventLog log;
  const std::uint16_t free_port = [] {
    const Client once = Client::unconnected();
    Client& bound = const_cast<Client&>(once);
    bound.bind("127.0.0.3");
    return bound.port();
  }();
  const auto peer_of = [&](const std::string& prefix) {
    return [&log, prefix](Conn& c) {
      log.add(prefix + c.remote().host() + (c.remote().port() == 0 ? " 0" : ""));
    };
  };
  TestServer server = serve({.opened = peer_of(""),
                             .data =
                                 [&](Conn& c, Input& in) {
                                   in.take();
                                   peer_of("udp ")(c);
                                 }},
                            "tcp://127.0.0.1:0", "udp://127.0.0.1:0");
  const auto from = [](const std::string& source, EventLog& closed) {
    return Events{
        .options = {.source = Address::parse(source)},
        .opened = [](Conn& c) { c.write("x"); },
        .closed = [&closed](Conn&,
                            std::error_code error) { closed.add("closed: " + error.message()); }};
  };
  connect_on_loop(server, on(server.address(0).to_string(), from("tcp://127.0.0.2:0", log)));
  connect_on_loop(server, on(server.address(0).to_string(),
                             from("tcp://127.0.0.3:" + std::to_string(free_port), log)));
  connect_on_loop(server, on(server.address(1).to_string(), from("udp://127.0.0.4:0", log)));
  EXPECT_TRUE(log.wait_for("127.0.0.2"));
  EXPECT_TRUE(log.wait_for("127.0.0.3"));
  EXPECT_TRUE(log.wait_for("udp 127.0.0.4"));
  connect_on_loop(server, on(server.address(0).to_string(), from("tcp://[::1]:0", log)));
  EXPECT_TRUE(log.wait_for(
      "closed: " + std::make_error_code(std::errc::address_family_not_supported).message()));
  connect_on_loop(server, on(server.address(0).to_string(), from("tcp://192.0.2.77:0", log)));
  EXPECT_TRUE(
      log.wait_for("closed: " + std::make_error_code(std::errc::address_not_available).message()));
}

}  // namespace
}  // namespace evio::test
