// The callback of a send reports that the kernel has taken all the bytes, or that it never will.
#include <future>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class SendCompletion : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(SendCompletion, 1);

Callback<void(std::error_code)> note(EventLog& log, std::string name) {
  return [&log, name = std::move(name)](std::error_code error) {
    log.add(name + (error ? " failed" : " sent"));
  };
}

TEST_P(SendCompletion, IsReportedInOrderWhenTheKernelHasTheBytes) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.opened = [&](Conn& c) { handle.put(c); }});
  Client client = server.connect();
  const Handle to = handle.get();
  for (const std::string name : {"a", "b", "c"})
    EXPECT_TRUE(to.send(SharedBytes(std::string(name)), note(log, name)));
  EXPECT_EQ(client.receive(3), "abc");
  EXPECT_TRUE(log.wait_for("c sent"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"a sent", "b sent", "c sent"}));
}

TEST_P(SendCompletion, WaitsForAPeerThatDoesNotRead) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.opened = [&](Conn& c) { handle.put(c); }});
  Client client = server.connect();
  constexpr std::size_t size = 32 << 20;
  handle.get().send(SharedBytes(std::string(size, 'x')), note(log, "all"));
  handle.get().post([&](Conn&) { log.add("later"); });
  EXPECT_TRUE(log.wait_for("later"));
  EXPECT_EQ(log.count("all sent"), 0U);
  EXPECT_EQ(client.receive(size).size(), size);
  EXPECT_TRUE(log.wait_for("all sent"));
}

TEST_P(SendCompletion, ReportsLostBytesBeforeClosed) {
  EventLog log;
  HandleSlot handle;
  TestServer server =
      serve({.opened = [&](Conn& c) { handle.put(c); }, .closed = [&] { log.add("closed"); }});
  Client client = server.connect();
  handle.get().send(SharedBytes(std::string(32 << 20, 'x')), note(log, "all"));
  handle.get().post([](Conn& c) { c.abort(); });
  EXPECT_TRUE(log.wait_for("closed"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"all failed", "closed"}));
}

TEST_P(SendCompletion, ReportsASendBeyondOutputMax) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.limits = {.output_max = 1000},
                             .opened = [&](Conn& c) { handle.put(c); },
                             .closed = [&] { log.add("closed"); }});
  Client client = server.connect();
  // Both reach the loop together: a send after the end of the connection would be dropped without a
  // callback.
  std::promise<void> waiting, all_sent;
  handle.get().post([&](Conn&) {
    waiting.set_value();
    all_sent.get_future().wait();
  });
  waiting.get_future().wait();
  handle.get().send(SharedBytes(std::string(2000, 'x')), note(log, "first"));
  handle.get().send(SharedBytes(std::string("x")), note(log, "second"));
  all_sent.set_value();
  EXPECT_TRUE(log.wait_for("closed"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"first failed", "second failed", "closed"}));
}

TEST_P(SendCompletion, ReportsAMessageThatTheCodecRejects) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.codec = codec::FixedLength(4),
                             .opened = [&](Conn& c) { handle.put(c); },
                             .closed = [&] { log.add("closed"); },
                             .failed = [&] { log.add("failed"); }});
  Client client = server.connect();
  EXPECT_TRUE(handle.get().send(SharedBytes("five!"), note(log, "all")));
  EXPECT_TRUE(log.wait_for("failed"));
  client.close();
  EXPECT_TRUE(log.wait_for("closed"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"failed", "all failed", "closed"}));
}

TEST_P(SendCompletion, MaySendAgainAndClose) {
  EventLog log;
  HandleSlot handle;
  TestServer server =
      serve({.opened = [&](Conn& c) { handle.put(c); }, .closed = [&] { log.add("closed"); }});
  Client client = server.connect();
  const Handle to = handle.get();
  to.send(SharedBytes("one "), [&, to](std::error_code) {
    to.send(SharedBytes("two"), [&, to](std::error_code) {
      log.add("two");
      to.close();
    });
  });
  EXPECT_EQ(client.receive_rest().bytes, "one two");
  client.close();
  EXPECT_TRUE(log.wait_for("closed"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"two", "closed"}));
  EXPECT_FALSE(to.send(SharedBytes("three"), note(log, "three")));
}

}  // namespace
}  // namespace evio::test
