// Events::trace reports what no other handler is called for.
#include <fcntl.h>

#include <mutex>
#include <optional>
#include <stdexcept>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

using What = Trace::What;

// Records the calls of the trace handler.
class Traces {
 public:
  struct One {
    Trace trace;
    std::string message;
  };

  Callback<void(const Trace&)> handler() {
    return [this](const Trace& trace) {
      const std::lock_guard lock(mutex_);
      all_.push_back({trace, std::string(trace.message)});
    };
  }
  std::optional<One> find(What what) const {
    const std::lock_guard lock(mutex_);
    for (const One& one : all_)
      if (one.trace.what == what) return one;
    return std::nullopt;
  }
  /// Waits for a call of that kind.
  One wait_for(What what) const {
    EXPECT_TRUE(eventually([&] { return find(what).has_value(); })) << name_of(what);
    return find(what).value_or(One{});
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<One> all_;
};

class Tracing : public Behaviour {
 protected:
  int accepting_loop() const { return loops() == 1 ? 0 : -1; }

  Traces traces;
};
EVIO_ON_EVERY_BACKEND(Tracing);

TEST_P(Tracing, ReportsACloseWithAnError) {
  std::atomic<std::uint64_t> id{0};
  TestServer server = serve({.limits = {.input_max = 4},
                             .opened = [&](Conn& c) { id = c.id(); },
                             .data = [] {},
                             .trace = traces.handler()});
  Client client = server.connect();
  client.send("more than four");
  const auto [trace, message] = traces.wait_for(What::closed);
  EXPECT_EQ(trace.error, Errc::input_overflow);
  EXPECT_EQ(trace.connection, id);
  EXPECT_EQ(trace.local, server.address());
  EXPECT_EQ(trace.peer.port(), client.port());
  EXPECT_GE(trace.loop, 0);
}

TEST_P(Tracing, DoesNotReportAnOrderlyClose) {
  Events events = echo();
  events.trace = traces.handler();
  TestServer server = serve(std::move(events));
  {
    Client client = server.connect();
    EXPECT_EQ(echo_through(client, "x"), "x");
  }
  EXPECT_TRUE(eventually([&] { return server->stats().closed == 1; }));
  EXPECT_EQ(traces.size(), 0U);
}

TEST_P(Tracing, ReportsAFailedConnect) {
  TestServer server = serve({.trace = traces.handler()});
  const Address nobody = Address::parse("tcp://127.0.0.1:1");
  server->connect("tcp://127.0.0.1:1");
  const auto [trace, message] = traces.wait_for(What::closed);
  EXPECT_EQ(trace.error, std::errc::connection_refused);
  EXPECT_EQ(trace.peer, nobody);
  EXPECT_EQ(trace.local, Address());
}

TEST_P(Tracing, ReportsAnExceptionOfAConnection) {
  TestServer server =
      serve({.data = [] { throw std::runtime_error("oops"); }, .trace = traces.handler()});
  Client client = server.connect();
  client.send("x");
  const auto [trace, message] = traces.wait_for(What::exception);
  EXPECT_EQ(message, "oops");
  EXPECT_NE(trace.connection, 0U);
  EXPECT_EQ(trace.peer.port(), client.port());
  EXPECT_EQ(trace.local, server.address());
  EXPECT_EQ(traces.wait_for(What::closed).trace.error, Errc::handler_failed);
}

TEST_P(Tracing, ReportsAnExceptionWithoutAConnection) {
  TestServer server = serve({.failed = [] {}, .trace = traces.handler()});
  server->loop(0).post([] { throw std::runtime_error("of a post"); });
  const auto [trace, message] = traces.wait_for(What::exception);
  EXPECT_EQ(message, "of a post");
  EXPECT_EQ(trace.connection, 0U);
  EXPECT_EQ(trace.peer, Address());
}

TEST_P(Tracing, ReportsAnExceptionOfADatagram) {
  TestServer server =
      serve({.data = [] { throw std::runtime_error("oops"); }, .trace = traces.handler()},
            "udp://127.0.0.1:0");
  UdpClient client = UdpClient::bound();
  client.send_to(server.port(), "x");
  const auto [trace, message] = traces.wait_for(What::exception);
  EXPECT_EQ(message, "oops");
  EXPECT_EQ(trace.peer.port(), client.port());
  EXPECT_EQ(trace.local, server.address());
}

TEST_P(Tracing, ReportsAPeerWithTooManyConnections) {
  TestServer server = serve({.limits = {.connections_per_peer_max = 1},
                             .opened = [](Conn& c) { c.write("!"); },
                             .trace = traces.handler()});
  Client first = server.connect();
  EXPECT_EQ(first.receive(1), "!");
  Client second = server.connect();
  const auto [trace, message] = traces.wait_for(What::refused);
  EXPECT_EQ(message, "Limits::connections_per_peer_max");
  EXPECT_EQ(trace.peer.port(), second.port());
  EXPECT_EQ(trace.local, server.address());
  EXPECT_TRUE(trace.error);
  EXPECT_EQ(trace.loop, accepting_loop());
}

TEST_P(Tracing, ReportsAPauseOfAccepting) {
  const auto expect_limit = [this](const Limits& limits, const std::string& name) {
    Traces traced;
    TestServer server = serve(
        {.limits = limits, .opened = [](Conn& c) { c.write("!"); }, .trace = traced.handler()});
    Client client = server.connect();
    EXPECT_EQ(client.receive(1), "!");
    const auto [trace, message] = traced.wait_for(What::accepting_rests);
    EXPECT_EQ(message, name);
    EXPECT_EQ(trace.local, server.address());
    EXPECT_EQ(trace.loop, accepting_loop());
  };
  expect_limit({.connections_max = 1}, "Limits::connections_max");
  expect_limit({.accepts_per_second = 1}, "Limits::accepts_per_second");
}

TEST_P(Tracing, ReportsMemoryPressure) {
  TestServer server =
      serve({.limits = {.memory_max = 1000}, .data = [] {}, .trace = traces.handler()});
  Client client = server.connect();
  client.send(pattern(100 * kib));
  EXPECT_EQ(traces.wait_for(What::limit_reached).message, "Limits::memory_max");
  const auto [trace, message] = traces.wait_for(What::accepting_rests);
  EXPECT_EQ(message, "Limits::memory_max");
  EXPECT_EQ(trace.local, server.address());
}

TEST_P(Tracing, ReportsASlowBatch) {
  TestServer server = serve(
      {.data = [] { std::this_thread::sleep_for(Stats::slow + 1ms); }, .trace = traces.handler()});
  Client client = server.connect();
  client.send("x");
  const auto [trace, message] = traces.wait_for(What::slow_batch);
  EXPECT_GT(trace.duration, Stats::slow);
}

TEST_P(Tracing, ReportsAFailedLookup) {
  TestServer server = serve({.trace = traces.handler()});
  server->connect("tcp://no-such-host.invalid:1");
  const auto [trace, message] = traces.wait_for(What::lookup_failed);
  EXPECT_TRUE(trace.error);
  EXPECT_EQ(trace.peer.host(), "no-such-host.invalid");
  EXPECT_NE(trace.connection, 0U);
}

TEST_P(Tracing, ReportsAFailureToAccept) {
  in_child_process([&] {
    Traces traced;
    TestServer server = serve({.data = [] {}, .trace = traced.handler()});
    Client client = Client::unconnected();
    const auto open = open_descriptors();
    std::vector<int> fillers;
    for (std::size_t holes = static_cast<std::size_t>(*open.rbegin()) + 1 - open.size(); holes > 0;
         --holes)
      fillers.push_back(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    ASSERT_TRUE(limit_descriptors(static_cast<std::size_t>(*open.rbegin()) + 1));
    client.connect(server.port());
    const auto [trace, message] = traced.wait_for(What::accept_failed);
    EXPECT_EQ(trace.error, std::errc::too_many_files_open);
    EXPECT_GT(trace.duration, Duration::zero());
    EXPECT_EQ(trace.local, server.address());
    EXPECT_EQ(trace.loop, accepting_loop());
  });
}

TEST_P(Tracing, ExceptionsOfTraceAreDropped) {
  std::atomic<int> calls{0};
  TestServer server = serve({.data = [] { throw std::runtime_error("oops"); },
                             .trace =
                                 [&] {
                                   ++calls;
                                   throw std::runtime_error("from trace");
                                 }});
  Client client = server.connect();
  client.send("x");
  EXPECT_EQ(client.receive_rest().bytes, "");
  EXPECT_TRUE(eventually([&] { return calls == 2; }));
  EXPECT_EQ(message_of(server.stop()), "");
}

}  // namespace
}  // namespace evio::test
