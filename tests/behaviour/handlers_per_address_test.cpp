// on(): an address with handlers, limits and options of its own, with no fallback to the server's.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class HandlersPerAddress : public Behaviour {};
EVIO_ON_EVERY_BACKEND(HandlersPerAddress);

Events answering(const std::string& answer) {
  return {.data = [answer](Conn& c, Input& in) {
    in.take();
    c.write(answer + std::to_string(c.address_index()));
  }};
}

TEST_P(HandlersPerAddress, EachAddressCallsItsOwn) {
  std::vector<Binding> bindings{on("tcp://127.0.0.1:0", answering("own ")), "tcp://127.0.0.1:0"};
  bindings.push_back(bindings.front());  // a Binding may be used again
  TestServer server = serve(answering("the server's "), "tcp://127.0.0.1:0", bindings);
  const std::vector<std::string> answers{"the server's 0", "own 1", "the server's 2", "own 3"};
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Client client = server.connect({}, i);
    client.send("?");
    EXPECT_EQ(client.receive(answers[i].size()), answers[i]);
  }
}

TEST_P(HandlersPerAddress, UnsetHandlersDoNotFallBackToTheServers) {
  EventLog log, own;
  TestServer server = serve({.opened = [&] { log.add("opened"); },
                             .data = [&] { log.add("data"); },
                             .ended = [&] { log.add("ended"); },
                             .closed = [&] { log.add("closed"); }},
                            on("tcp://127.0.0.1:0", {.closed = [&] { own.add("closed"); }}));
  Client client = server.connect();
  client.send("input without a handler is dropped");
  client.shutdown_write();
  EXPECT_EQ(client.receive_rest().error, 0);
  client.close();
  EXPECT_TRUE(own.wait_for("closed"));
  EXPECT_EQ(log.size(), 0U);
}

TEST_P(HandlersPerAddress, LimitsAndOptionsArePerAddress) {
  EventLog log;
  const auto note = [&](Conn&, std::error_code error) {
    log.add(error ? error.message() : "closed");
  };
  TestServer server =
      serve({.limits = {.input_max = 1 * mib}, .closed = note}, "tcp://127.0.0.1:0",
            on("tcp://127.0.0.1:0", {.limits = {.input_max = 1000, .linger_timeout = 50ms},
                                     .options = {.idle_timeout = 40ms},
                                     .data = [] {},
                                     .closed = note}));
  Client served = server.connect({}, 0);
  Client silent = server.connect({}, 1);
  EXPECT_TRUE(log.wait_for(make_error_code(Errc::idle_timeout).message()));
  Client wordy = server.connect({}, 1);
  wordy.send_some(pattern(100'000));
  EXPECT_TRUE(log.wait_for(make_error_code(Errc::input_overflow).message()));
  EXPECT_EQ(log.size(), 2U);
}

TEST_P(HandlersPerAddress, ServerWideFieldsAreAnError) {
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.serving = [] {}})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.loop_started = [] {}})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.failed = [] {}})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.pre_write = [] {}})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.tick = [] { return Tick{}; }})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.loop_stopped = [] {}})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.loops = 2})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.balance = LoadBalance::source_hash})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.balance = [] { return 0; }})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.backend = Backend::poll})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.busy_poll = 1us})), Error);
  EXPECT_THROW(static_cast<void>(on("tcp://:0", {.handle_signals = true})), Error);
}

int option_of(Conn& c, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  getsockopt(c.native_handle(), level, name, &value, &size);
  return value;
}

TEST_P(HandlersPerAddress, OptionsReachTheSockets) {
  EventLog log;
  TestServer server =
      serve({.opened =
                 [&](Conn& c) {
                   if (c.native_handle() >= 0) {
                     EXPECT_NE(option_of(c, IPPROTO_TCP, TCP_NODELAY), 0) << "on unless unset";
                     EXPECT_EQ(option_of(c, SOL_SOCKET, SO_KEEPALIVE), 0);
                   }
                   log.add("plain");
                 }},
            "tcp://127.0.0.1:0",
            on("tcp://127.0.0.1:0", {.options = {.keep_alive = std::chrono::minutes(2),
                                                 .no_delay = false,
                                                 .receive_buffer = 20'000,
                                                 .send_buffer = 30'000},
                                     .opened = [&](Conn& c) {
                                       if (c.native_handle() >= 0) {
                                         EXPECT_EQ(option_of(c, IPPROTO_TCP, TCP_NODELAY), 0);
                                         EXPECT_NE(option_of(c, SOL_SOCKET, SO_KEEPALIVE), 0);
                                         EXPECT_EQ(option_of(c, IPPROTO_TCP, TCP_KEEPIDLE), 120);
                                         EXPECT_EQ(option_of(c, SOL_SOCKET, SO_RCVBUF), 40'000);
                                         EXPECT_EQ(option_of(c, SOL_SOCKET, SO_SNDBUF), 60'000);
                                         c.set({.keep_alive = 0s, .no_delay = true});
                                         EXPECT_NE(option_of(c, IPPROTO_TCP, TCP_NODELAY), 0);
                                         EXPECT_EQ(option_of(c, SOL_SOCKET, SO_KEEPALIVE), 0);
                                       }
                                       log.add("own");
                                     }}));
  Client plain = server.connect({}, 0), own = server.connect({}, 1);
  EXPECT_TRUE(log.wait_for("plain"));
  EXPECT_TRUE(log.wait_for("own"));
}

}  // namespace
}  // namespace evio::test
