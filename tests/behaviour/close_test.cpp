// Closing sends everything that was written, within a deadline, and `closed` reports how the
// connection ended.
#include <optional>
#include <thread>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Close : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Close);

std::string as_text(std::error_code error) {
  return error ? "closed: " + error.message() : "closed";
}

Callback<Action(Conn&, std::error_code)> note_closed(EventLog& log) {
  return [&log](Conn&, std::error_code error) { log.add(as_text(error)); };
}

TEST_P(Close, SendsWhatOpenedWrote) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{300'000}, 4 * mib}) {
    EventLog log;
    const std::string bytes = pattern(size);
    TestServer server = serve({.opened =
                                   [&](Conn& c) {
                                     c.write(bytes);
                                     return Action::close;
                                   },
                               .closed = note_closed(log)});
    Client client = server.connect();
    const auto rest = client.receive_rest();
    EXPECT_EQ(rest.error, 0);
    EXPECT_TRUE(same_bytes(rest.bytes, bytes));
    client.close();
    EXPECT_TRUE(log.wait_for("closed")) << size;
  }
}

TEST_P(Close, SendsWhatDataWroteThoughMoreInputIsUnread) {
  const std::string bytes = pattern(400'000);
  EventLog log;
  TestServer server = serve({.data =
                                 [&](Conn& c, Input&) {
                                   log.add("data");
                                   c.write(bytes);
                                   return Action::close;
                                 },
                             .ended = [&] { log.add("ended"); },
                             .closed = note_closed(log)});
  Client client = server.connect();
  client.send(std::string(200 * kib, 'u'));
  // The server closes at the first of these; the others must neither reset the connection nor reach
  // a handler.
  client.send("more");
  const auto rest = client.receive_rest();
  EXPECT_EQ(rest.error, 0);
  EXPECT_TRUE(same_bytes(rest.bytes, bytes));
  client.close();
  ASSERT_TRUE(log.wait_for("closed"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"data", "closed"}));
}

TEST_P(Close, DiscardsWhatThePeerSendsAfterwards) {
  const std::string bytes = pattern(1 * mib);
  TestServer server = serve({.limits = {.linger_timeout = hang_guard},
                             .options = {.send_buffer = 8192},
                             .data = [&](Conn& c, Input& in) {
                               in.take(1);
                               c.write(bytes);
                               return Action::close;
                             }});
  Client client = server.connect({.receive = 8192});
  Background sends([&] { client.send(std::string(4 * mib, 's')); });
  const auto rest = client.receive_rest();
  sends.join();
  EXPECT_EQ(rest.error, 0);
  EXPECT_TRUE(same_bytes(rest.bytes, bytes));
}

// The ways in which a handler or another thread sends a lot and then closes.
void close_behind_a_lot(TestServer& server, const std::string& bytes) {
  Client client = server.connect();
  std::string received;
  while (true) {
    const std::string part = client.receive_some(mib);
    if (part.empty()) break;
    received += part;
    if (received.size() % 7 == 0) std::this_thread::sleep_for(1ms);  // the reader is slow at times
  }
  EXPECT_TRUE(same_bytes(received, bytes));
}

TEST_P(Close, SendsThirtyTwoMebibytesWrittenBefore) {
  const std::string bytes = pattern(32 * mib);
  TestServer server = serve({.opened = [&](Conn& c) {
    c.write(bytes);
    return Action::close;
  }});
  close_behind_a_lot(server, bytes);
}

TEST_P(Close, SendsThirtyTwoMebibytesOfSharedBytes) {
  const SharedBytes bytes(pattern(32 * mib));
  TestServer server = serve({.opened = [&](Conn& c) {
    c.write(bytes);
    c.close();
  }});
  close_behind_a_lot(server, std::string(bytes.view()));
}

TEST_P(Close, SendsThirtyTwoMebibytesFromAnotherThread) {
  const std::string bytes = pattern(32 * mib);
  std::optional<Background> sender;
  TestServer server = serve({.opened = [&](Conn& c) {
    sender.emplace([&bytes, handle = c.handle()] {
      EXPECT_TRUE(handle.send(bytes));
      handle.close();
    });
  }});
  close_behind_a_lot(server, bytes);
}

TEST_P(Close, IsImmediateWhenAllOutputIsAcknowledged) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.limits = {.linger_timeout = std::chrono::hours(1)},
                             .data =
                                 [&](Conn& c, Input& in) {
                                   if (in.view() == "quiet") c.write(in.view());
                                   handle.put(c);
                                   log.add(std::string(in.take()));
                                 },
                             .closed = note_closed(log)});
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "quiet"), "quiet");
  client.send("acknowledges the reply as well");
  ASSERT_TRUE(log.wait_for("acknowledges the reply as well"));
  handle.get().close();
  EXPECT_TRUE(log.wait_for("closed"))
      << "nothing is unsent or unread, so nothing is worth waiting for";
}

TEST_P(Close, WaitsForThePeersEndNoLongerThanLingerTimeout) {
  EventLog log;
  TestServer server = serve({.limits = {.linger_timeout = 50ms},
                             .data =
                                 [](Conn& c, Input&) {
                                   c.write("bye");
                                   return Action::close;
                                 },
                             .closed = note_closed(log)});
  Client client = server.connect();
  client.send(std::string(100'000, 'x'));
  EXPECT_TRUE(log.wait_for("closed"));
  EXPECT_EQ(client.receive(3), "bye");
}

TEST_P(Close, CompletesWhenThePeerEndsWithinLingerTimeout) {
  EventLog log;
  TestServer server = serve({.limits = {.linger_timeout = std::chrono::hours(1)},
                             .data =
                                 [](Conn& c, Input&) {
                                   c.write(pattern(100 * kib));
                                   return Action::close;
                                 },
                             .closed = note_closed(log)});
  Client client = server.connect();
  client.send(std::string(100'000, 'x'));
  EXPECT_TRUE(same_bytes(client.receive_rest().bytes, pattern(100 * kib)));
  client.close();
  EXPECT_TRUE(log.wait_for("closed"));
}

TEST_P(Close, ReportsAPeerThatReadsNothingUntilDrainTimeout) {
  EventLog log;
  TestServer server = serve({.limits = {.drain_timeout = 100ms},
                             .options = {.send_buffer = 8192},
                             .opened =
                                 [](Conn& c) {
                                   c.write(pattern(8 * mib));
                                   return Action::close;
                                 },
                             .closed = note_closed(log)});
  Client client = server.connect(tiny);
  EXPECT_TRUE(log.wait_for(as_text(Errc::drain_timeout)));
  const auto rest = client.receive_rest();
  EXPECT_TRUE(is_prefix(rest.bytes, pattern(8 * mib)));
}

TEST_P(Close, WaitsForASlowPeerThatMakesProgress) {
  EventLog log;
  const std::string bytes = pattern(600 * kib);
  TestServer server = serve({.limits = {.drain_timeout = 400ms},
                             .options = {.send_buffer = 8192},
                             .opened =
                                 [&](Conn& c) {
                                   c.write(bytes);
                                   return Action::close;
                                 },
                             .closed = note_closed(log)});
  Client client = server.connect({.receive = 16 * 1024});
  std::string received;
  for (int i = 0; i < 12; ++i) {  // longer than the deadline in total, each step well within it
    received += client.receive(20 * kib);
    std::this_thread::sleep_for(50ms);
  }
  received += client.receive_rest().bytes;
  EXPECT_TRUE(same_bytes(received, bytes));
  client.close();
  EXPECT_TRUE(log.wait_for("closed"));
}

TEST_P(Close, IsFollowedByClosedOnly) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.limits = {.output_high = 32 * kib, .output_low = 8 * kib},
                             .options = {.send_buffer = 8192},
                             .data =
                                 [&](Conn& c, Input&) {
                                   handle.put(c);
                                   log.add("data");
                                   c.write(pattern(2 * mib));
                                   c.close();
                                   c.close();
                                   EXPECT_FALSE(c.is_open());
                                 },
                             .drained = [&] { log.add("drained"); },
                             .ended = [&] { log.add("ended"); },
                             .closed = note_closed(log)});
  Client client = server.connect(tiny);
  client.send("1");
  ASSERT_TRUE(log.wait_for("data"));
  client.send("2");
  handle.get().wake();
  client.shutdown_write();
  EXPECT_TRUE(same_bytes(client.receive_rest().bytes, pattern(2 * mib)));
  ASSERT_TRUE(log.wait_for("closed"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"data", "closed"}));
}

TEST_P(Close, AbortResetsTheConnectionAndDropsOutput) {
  EventLog log;
  TestServer server = serve({.options = {.send_buffer = 8192},
                             .data =
                                 [&](Conn& c, Input&) {
                                   c.write(pattern(2 * mib));
                                   c.abort();
                                   EXPECT_FALSE(c.is_open());
                                   EXPECT_FALSE(c.write("dropped"));
                                   c.close();
                                   c.abort();
                                   log.add("data returns");
                                 },
                             .ended = [&] { log.add("ended"); },
                             .closed = note_closed(log)});
  Client client = server.connect(tiny);
  client.send("x");
  const auto rest = client.receive_rest();
  EXPECT_EQ(rest.error, ECONNRESET);
  EXPECT_TRUE(is_prefix(rest.bytes, pattern(2 * mib)));
  EXPECT_LT(rest.bytes.size(), 2 * mib);
  ASSERT_TRUE(log.wait_for("closed"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"data returns", "closed"}));
}

TEST_P(Close, AbortEndsAConnectionThatIsClosingAlready) {
  EventLog log;
  TestServer server = serve({.limits = {.drain_timeout = std::chrono::hours(1)},
                             .options = {.send_buffer = 8192},
                             .opened =
                                 [](Conn& c) {
                                   c.write(pattern(8 * mib));
                                   c.close();
                                   c.handle().post([](Conn& closing) { closing.abort(); });
                                 },
                             .closed = note_closed(log)});
  Client client = server.connect(tiny);
  EXPECT_EQ(client.receive_rest().error, ECONNRESET);
  EXPECT_EQ(log.wait_for("closed"), true);
}

TEST_P(Close, AnOrderlyEndIsNotAnError) {
  EventLog log;
  TestServer server =
      serve({.data = [](Conn& c, Input& in) { c.write(in.take()); }, .closed = note_closed(log)});
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "x"), "x");
  client.close();
  EXPECT_TRUE(log.wait_for("closed"));
}

TEST_P(Close, AResetIsAnError) {
  EventLog log;
  TestServer server =
      serve({.data = [](Conn& c, Input& in) { c.write(in.take()); }, .closed = note_closed(log)});
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "x"), "x");
  client.reset();
  EXPECT_TRUE(log.wait_for(as_text(std::make_error_code(std::errc::connection_reset))));
}

TEST_P(Close, OutputThatThePeerNeverReadIsAnError) {
  EventLog log;
  TestServer server = serve(
      {.options = {.send_buffer = 8192},
       .opened =
           [&](Conn& c) {
             c.write(pattern(4 * mib));
             log.add("written");
             return Action::close;
           },
       .closed = [&](Conn&, std::error_code error) { log.add(error ? "an error" : "no error"); }});
  Client client = server.connect(tiny);
  ASSERT_TRUE(log.wait_for("written"));
  client.close();  // unread bytes make this a reset
  EXPECT_TRUE(log.wait_for("an error"));
}

TEST_P(Close, ShutdownWriteSendsOutputThenTheEndAndReadingContinues) {
  EventLog log;
  const std::string bytes = pattern(1 * mib);
  TestServer server = serve({.options = {.send_buffer = 8192},
                             .opened =
                                 [&](Conn& c) {
                                   c.write(bytes);
                                   c.shutdown_write();
                                   EXPECT_FALSE(c.write("dropped"));
                                   EXPECT_TRUE(c.is_open());
                                 },
                             .data = [&](Conn&, Input& in) { log.add(std::string(in.take())); },
                             .ended = [&] { log.add("ended"); },
                             .closed = note_closed(log)});
  Client client = server.connect({.receive = 8192});
  const auto rest = client.receive_rest();
  EXPECT_TRUE(same_bytes(rest.bytes, bytes));
  client.send("still heard");
  ASSERT_TRUE(log.wait_for("still heard"));
  client.shutdown_write();
  ASSERT_TRUE(log.wait_for("closed")) << "both sides have ended";
  EXPECT_EQ(log.events(), (std::vector<std::string>{"still heard", "ended", "closed"}));
}

}  // namespace
}  // namespace evio::test
