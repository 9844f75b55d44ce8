// Reconnecting: another connection follows every end, until it is stopped or the server shuts down.
#include <memory>
#include <string>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Reconnects : public Behaviour {
 protected:
  EventLog log;
  const Backoff soon{.initial = 1ms, .max = 5ms};

  // All input so far is logged with each piece, because it stays unconsumed.
  Events noted() {
    return {.opened = [this] { log.add("opened"); },
            .data = [this](Conn&, Input& in) { log.add("data " + std::string(in.view())); },
            .closed = [this](Conn&, std::error_code) { log.add("closed"); }};
  }
  // A server whose loop 0 reconnects to that address.
  TestServer keeping(const Binding& to, const Backoff& backoff) {
    return serve({.loop_started = [to, backoff](Loop& loop) {
      if (loop.index() == 0) loop.emplace_context<Reconnecting>(loop, to, backoff);
    }});
  }
};
EVIO_ON_EVERY_BACKEND(Reconnects);

TEST_P(Reconnects, WhenThePeerComesBack) {
  Address where;
  {
    const TestServer gone({}, "tcp://127.0.0.1:0");
    where = gone.address();
  }
  TestServer server = keeping(on(where.to_string(), noted()), soon);
  EXPECT_TRUE(log.wait_for("closed", 3));
  EXPECT_EQ(log.count("opened"), 0U);
  for (std::size_t life = 1; life <= 3; ++life) {
    TestServer far(echo(), where.to_string());
    EXPECT_TRUE(log.wait_for("opened", life));
    server.on_loop(0, [&] {
      server->loop(0).context<Reconnecting>()->connection()->write(std::to_string(life));
    });
    EXPECT_TRUE(log.wait_for("data " + std::to_string(life)));
  }
}

TEST_P(Reconnects, AfterEveryKindOfEnd) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  Events events = noted();
  events.opened = [this](Conn& c) {
    log.add("opened");
    switch (log.count("opened") % 4) {
      case 0:
        throw std::runtime_error("no");
      case 1:
        c.close();
        return Action::none;
      case 2:
        c.abort();
        return Action::none;
      default:
        return Action::detach;
    }
  };
  events.detached = [this](Conn&, Socket) { log.add("detached"); };
  TestServer server =
      serve({.loop_started =
                 [&, to = on(far.address().to_string(), std::move(events))](Loop& loop) {
                   if (loop.index() == 0) loop.emplace_context<Reconnecting>(loop, to, soon);
                 },
             .failed = [this] { log.add("failed"); }});
  EXPECT_TRUE(log.wait_for("opened", 9));
  EXPECT_GE(log.count("failed"), 2U);
  EXPECT_GE(log.count("detached"), 2U);
}

TEST_P(Reconnects, UntilItIsStopped) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  Events events = noted();
  TestServer server = keeping(on(far.address().to_string(), std::move(events)), soon);
  EXPECT_TRUE(log.wait_for("opened"));
  Handle handle;
  server.on_loop(0, [&] {
    auto& kept = *server->loop(0).context<Reconnecting>();
    ASSERT_TRUE(kept.connection());
    handle = kept.connection()->handle();
    Reconnecting other(server->loop(0), on(far.address().to_string(), noted()), soon);
    // The assignment stops the first; the destructor of the moved-from object does nothing.
    kept = std::move(other);
    kept.stop();
    EXPECT_FALSE(kept.connection());
  });
  EXPECT_TRUE(log.wait_for("opened", 2)) << "they go on by themselves";
  handle.send("still here");
  EXPECT_TRUE(log.wait_for("data still here"));
  handle.close();
  EXPECT_TRUE(log.wait_for("closed"));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(log.count("opened"), 2U);
}

TEST_P(Reconnects, MayBeStoppedInAHandlerOfIt) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  std::unique_ptr<Reconnecting> kept;
  Events events = noted();
  events.opened = [](Conn& c) { c.close(); };
  events.closed = [&] {
    kept.reset();
    log.add("closed");
  };
  TestServer server = serve(
      {.loop_started = [&, to = on(far.address().to_string(), std::move(events))](Loop& loop) {
        if (loop.index() == 0) kept = std::make_unique<Reconnecting>(loop, to, soon);
      }});
  EXPECT_TRUE(log.wait_for("closed"));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(log.count("closed"), 1U);
}

TEST_P(Reconnects, EndWithShutdownWhetherOpenOrWaiting) {
  TestServer far(echo(), "tcp://127.0.0.1:0");
  std::unique_ptr<Reconnecting> outlives;
  for (const char* url : {"", "tcp://127.0.0.1:1"}) {
    log.clear();
    Events events = noted();
    events.opened = [this] { log.add("opened"); };
    const Binding to = on(*url ? url : far.address().to_string(), std::move(events));
    TestServer server = serve({.loop_started = [&](Loop& loop) {
      if (loop.index() == 0)
        outlives = std::make_unique<Reconnecting>(loop, to, Backoff{.initial = 1h, .max = 1h});
    }});
    EXPECT_TRUE(log.wait_for(*url ? "closed" : "opened"));
    server.stop();
    EXPECT_EQ(log.count("closed"), 1U);
    EXPECT_FALSE(outlives->connection());
  }
}

TEST_P(Reconnects, ToAUdpAddressThatRefuses) {
  std::string url;
  {
    const UdpClient gone = UdpClient::bound();
    url = "udp://127.0.0.1:" + std::to_string(gone.port());
  }
  Events events = noted();
  events.opened = [this](Conn& c) {
    log.add("opened");
    c.write("anybody?");
  };
  TestServer server = keeping(on(url, std::move(events)), soon);
  EXPECT_TRUE(log.wait_for("closed", 3));
}

TEST_P(Reconnects, RejectInvalidSettings) {
  TestServer server = serve({});
  server.on_loop(0, [&] {
    Loop& loop = server->loop(0);
    EXPECT_THROW(static_cast<void>(Reconnecting(loop, "tcp://:5000")), Error);
    EXPECT_THROW(static_cast<void>(Reconnecting(loop, "tcp://127.0.0.1:1", {.initial = 0ms})),
                 Error);
    EXPECT_THROW(
        static_cast<void>(Reconnecting(loop, "tcp://127.0.0.1:1", {.initial = 2s, .max = 1s})),
        Error);
    EXPECT_THROW(static_cast<void>(Reconnecting(loop, "tcp://127.0.0.1:1", {.multiplier = 0.5})),
                 Error);
    EXPECT_THROW(static_cast<void>(Reconnecting(loop, "tcp://127.0.0.1:1", {.jitter = 1.5})),
                 Error);
  });
}

}  // namespace
}  // namespace evio::test
