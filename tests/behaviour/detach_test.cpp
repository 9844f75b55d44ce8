// Detaching returns the connection as a blocking socket: pending output is sent first, and
// unconsumed input is read from it first.
#include <fcntl.h>

#include <future>
#include <mutex>
#include <optional>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Detach : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Detach);

// Passes the socket from `detached` to the test.
class SocketSlot {
 public:
  Callback<Action(Conn&, Socket)> fill() {
    return [this](Conn&, Socket socket) {
      const std::lock_guard lock(mutex_);
      socket_ = std::move(socket);
      filled_.open();
    };
  }
  Socket take() {
    if (!filled_.wait()) throw std::runtime_error("nothing was detached");
    const std::lock_guard lock(mutex_);
    return std::move(socket_);
  }

 private:
  std::mutex mutex_;
  Gate filled_;
  Socket socket_;
};

std::string read_exactly(Socket& socket, std::size_t n) {
  std::string bytes(n, '\0');
  for (std::size_t have = 0; have < n;) {
    const std::size_t got = socket.read(bytes.data() + have, n - have);
    if (got == 0) throw std::runtime_error("the peer ended");
    have += got;
  }
  return bytes;
}

TEST_P(Detach, PreservesUnreadAndUnsentBytes) {
  EventLog log;
  SocketSlot slot;
  const std::string bytes = pattern(2 * mib);
  TestServer server = serve({.options = {.send_buffer = 8192},
                             .data =
                                 [&](Conn& c, Input& in) {
                                   if (in.size() < 12) return Action::none;
                                   EXPECT_EQ(in.take(7), "detach\n");
                                   c.write(bytes);
                                   log.add("data");
                                   return Action::detach;
                                 },
                             .ended = [&] { log.add("ended"); },
                             .closed = [&] { log.add("closed"); },
                             .detached = slot.fill()});
  Client client = server.connect(tiny);
  client.send("detach\nuntaken");
  ASSERT_TRUE(log.wait_for("data"));
  client.send(" and later");
  EXPECT_TRUE(same_bytes(client.receive(bytes.size()), bytes));
  Socket socket = slot.take();
  EXPECT_TRUE(std::string_view("untaken and later").starts_with(socket.buffered()));
  EXPECT_EQ(read_exactly(socket, 17), "untaken and later");
  EXPECT_EQ(socket.buffered(), "");
  socket.write("from its owner");
  EXPECT_EQ(client.receive(14), "from its owner");
  EXPECT_EQ(log.events(), std::vector<std::string>{"data"});
}

TEST_P(Detach, TheSocketIsBlockingCloseOnExecAndOutlivesTheServer) {
  SocketSlot slot;
  std::optional<Client> client;
  Socket socket;
  {
    TestServer server = serve({.opened = [] { return Action::detach; }, .detached = slot.fill()});
    client.emplace(server.connect());
    socket = slot.take();
  }
  EXPECT_EQ(::fcntl(socket.fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(socket.fd(), F_GETFD) & FD_CLOEXEC, 0);
  client->send("hello");
  EXPECT_EQ(read_exactly(socket, 5), "hello");
  client->shutdown_write();
  char byte = 0;
  EXPECT_EQ(socket.read(&byte, 1), 0U);
  { const Socket dies = std::move(socket); }
  EXPECT_EQ(client->receive_rest().error, 0);
}

TEST_P(Detach, ShutdownWriteBeforeItIsSent) {
  SocketSlot slot;
  const std::string bytes = pattern(mib);
  TestServer server = serve({.options = {.send_buffer = 8192},
                             .opened =
                                 [&](Conn& c) {
                                   c.write(bytes);
                                   c.shutdown_write();
                                   return Action::detach;
                                 },
                             .detached = slot.fill()});
  Client client = server.connect(tiny);
  const Client::Rest rest = client.receive_rest();
  EXPECT_TRUE(same_bytes(rest.bytes, bytes));
  EXPECT_EQ(rest.error, 0);
  Socket socket = slot.take();
  client.send("heard");
  EXPECT_EQ(read_exactly(socket, 5), "heard");
}

TEST_P(Detach, CallsInDetachedDoNotReachTheSocket) {
  SocketSlot slot;
  Callback<Action(Conn&, Socket)> fill = slot.fill();
  TestServer server = serve({.opened = [] { return Action::detach; },
                             .detached =
                                 [&](Conn& c, Socket socket) {
                                   EXPECT_FALSE(c.is_open());
                                   EXPECT_FALSE(c.write("dropped"));
                                   c.shutdown_write();
                                   c.close();
                                   c.abort();
                                   return fill(c, std::move(socket));
                                 }});
  Client client = server.connect();
  {
    Socket socket = slot.take();
    socket.write("whole");
  }
  const Client::Rest rest = client.receive_rest();
  EXPECT_EQ(rest.bytes, "whole");
  EXPECT_EQ(rest.error, 0);
}

TEST_P(Detach, WorksFromEveryHandlerThatReturnsAnAction) {
  for (const std::string from : {"opened", "data", "drained", "ended"}) {
    SocketSlot slot;
    EventLog log;
    const auto in = [&](const std::string& handler) {
      return handler == from ? Action::detach : Action::none;
    };
    TestServer server = serve({.limits = {.output_high = 16 * kib, .output_low = 4 * kib},
                               .options = {.send_buffer = 8192},
                               .opened =
                                   [&](Conn& c) {
                                     if (from == "drained") c.write(pattern(mib));
                                     return in("opened");
                                   },
                               .data = [&] { return in("data"); },
                               .drained = [&] { return in("drained"); },
                               .ended = [&] { return in("ended"); },
                               .closed = [&] { log.add("closed"); },
                               .detached = slot.fill()});
    Client client = server.connect(tiny);
    client.send("input");
    if (from == "drained") client.receive(mib);
    if (from == "ended") client.shutdown_write();
    Socket socket = slot.take();
    if (from != "ended") {
      EXPECT_EQ(read_exactly(socket, 5), "input") << from;
    }
    socket.write("yours");
    EXPECT_EQ(client.receive(5), "yours") << from;
    server.stop();
    EXPECT_EQ(log.size(), 0U) << from;
  }
}

TEST_P(Detach, MeansCloseIfDetachedIsUnset) {
  EventLog log;
  TestServer server = serve(
      {.data =
           [](Conn& c, Input& in) {
             c.write(in.take());
             return Action::detach;
           },
       .closed = [&](Conn&,
                     std::error_code error) { log.add(error ? error.message() : "closed"); }});
  Client client = server.connect();
  client.send("last words");
  EXPECT_EQ(client.receive_rest().bytes, "last words");
  client.close();
  EXPECT_TRUE(log.wait_for("closed"));
}

TEST_P(Detach, APeerThatReadsNothingInTimeIsClosedInstead) {
  EventLog log;
  TestServer server =
      serve({.limits = {.drain_timeout = 100ms},
             .options = {.send_buffer = 8192},
             .data =
                 [](Conn& c, Input&) {
                   c.write(pattern(8 * mib));
                   return Action::detach;
                 },
             .closed = [&](Conn&, std::error_code error) { log.add(error.message()); },
             .detached = [&](Conn&, Socket) { log.add("detached"); }});
  Client client = server.connect(tiny);
  client.send("x");
  EXPECT_TRUE(log.wait_for(make_error_code(Errc::drain_timeout).message()));
  EXPECT_EQ(log.size(), 1U);
}

TEST_P(Detach, EndsItsHandleAndTimersOnly) {
  EventLog log;
  SocketSlot slot;
  HandleSlot handle;
  TestServer server = serve({.data =
                                 [&](Conn& c, Input& in) {
                                   if (in.view() != "detach") {
                                     c.write(in.take());
                                     return Action::none;
                                   }
                                   handle.put(c);
                                   c.run_after(10ms, [&] { log.add("timer"); });
                                   return Action::detach;
                                 },
                             .detached = slot.fill()});
  Client other = server.connect();
  EXPECT_EQ(echo_through(other, "before"), "before");
  Client client = server.connect();
  client.send("detach");
  Socket socket = slot.take();
  EXPECT_EQ(echo_through(other, "after"), "after");
  handle.get().wake();
  handle.get().close();
  handle.get().post([&](Conn&) { log.add("post"); });
  ASSERT_TRUE(eventually([&] { return !handle.get().send("nobody"); }));
  std::this_thread::sleep_for(30ms);
  EXPECT_EQ(echo_through(other, "much later"), "much later");
  EXPECT_EQ(log.size(), 0U);
  EXPECT_TRUE(client.silent());
  EXPECT_EQ(server->stats().open, 1U);
}

TEST_P(Detach, LosesNoByteUnderLoad) {
  SocketSlot slot;
  TestServer server = serve({.data =
                                 [](Conn&, Input& in) {
                                   in.take(1);
                                   return Action::detach;
                                 },
                             .detached = slot.fill()});
  const std::string bytes = pattern(4 * mib);
  Client client = server.connect();
  Background sends([&] { client.send(bytes); });
  Socket socket = slot.take();
  EXPECT_TRUE(
      same_bytes(read_exactly(socket, bytes.size() - 1), std::string_view(bytes).substr(1)));
}

}  // namespace
}  // namespace evio::test
