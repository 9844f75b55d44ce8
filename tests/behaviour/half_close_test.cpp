// A peer that half-closes still receives everything, and `ended` reports the end of its bytes.
#include "support/behaviour.hpp"

namespace evio::test { namespace {

class HalfClose : public Behaviour {};
EVIO_ON_EVERY_BACKEND(HalfClose);

TEST_P(HalfClose, ThePeerStillGetsEveryReply) {
  EventLog log;
  TestServer server = serve(
      {.options = {.send_buffer = 8192},
       .data =
           [](Conn& c, Input& in) {
             for (const char request : in.take()) c.write(std::string(4 * kib, request));
           },
       .closed = [&](Conn&,
                     std::error_code error) { log.add(error ? error.message() : "closed"); }});
  Client client = server.connect(tiny);
  std::string requests, expected;
  for (int i = 0; i < 100; ++i) {
    requests += static_cast<char>('0' + i % 64);
    expected += std::string(4 * kib, requests.back());
  }
  client.send(requests);
  client.shutdown_write();
  const auto rest = client.receive_rest();
  EXPECT_EQ(rest.error, 0);
  EXPECT_TRUE(same_bytes(rest.bytes, expected));
  client.close();
  EXPECT_TRUE(log.wait_for("closed"));
}

TEST_P(HalfClose, WithEndedSetTheConnectionStaysOpenForWriting) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.ended =
                                 [&](Conn& c, Input&) {
                                   EXPECT_TRUE(c.is_open());
                                   handle.put(c);
                                   log.add("ended");
                                 },
                             .closed = [&] { log.add("closed"); }});
  Client client = server.connect();
  client.shutdown_write();
  ASSERT_TRUE(log.wait_for("ended"));
  EXPECT_TRUE(handle.get().send("answers "));
  EXPECT_EQ(client.receive(8), "answers ");
  handle.get().post([](Conn& c) { c.write("of workers"); });
  EXPECT_EQ(client.receive(10), "of workers");
  EXPECT_EQ(log.count("closed"), 0U);
  handle.get().close();
  EXPECT_EQ(client.receive_rest().error, 0);
  ASSERT_TRUE(log.wait_for("closed"));
  EXPECT_EQ(log.count("ended"), 1U);
}

TEST_P(HalfClose, EndedReceivesTheUnconsumedInput) {
  EventLog log;
  HandleSlot handle;
  TestServer server =
      serve({.data =
                 [&](Conn& c, Input& in) {
                   handle.put(c);
                   log.add("data " + std::string(in.view()));
                   if (in.size() > 4) in.consume(4);
                 },
             .ended = [&](Conn&, Input& in) { log.add("ended " + std::string(in.view())); }});
  Client client = server.connect();
  client.send("takeleave");
  ASSERT_TRUE(log.wait_for("data takeleave"));
  client.shutdown_write();
  ASSERT_TRUE(log.wait_for("ended leave"));
  handle.get().wake();
  EXPECT_TRUE(log.wait_for("data ")) << "untaken input is gone";
  EXPECT_EQ(log.events().size(), 3U);
}

TEST_P(HalfClose, EndedWaitsForResumeAndForAllInput) {
  EventLog log;
  HandleSlot handle;
  TestServer server =
      serve({.data =
                 [&](Conn& c, Input& in) {
                   handle.put(c);
                   c.pause();
                   log.add("data " + std::string(in.take()));
                 },
             .ended = [&](Conn&, Input& in) { log.add("ended" + std::string(in.view())); }});
  Client client = server.connect();
  client.send("1");
  ASSERT_TRUE(log.wait_for("data 1"));
  client.send("2");
  client.shutdown_write();
  handle.get().wake();
  ASSERT_TRUE(log.wait_for("data 1"));
  for (int i = 0; i < 20; ++i) {  // gives a premature `ended` time to be called
    Gate ran;
    handle.get().post([&](Conn&) { ran.open(); });
    ASSERT_TRUE(ran.wait());
  }
  EXPECT_EQ(log.count("ended"), 0U);
  const auto resume = [](Conn& c) { c.resume(); };
  handle.get().post(resume);
  ASSERT_TRUE(eventually([&] {
    handle.get().post(resume);
    return log.count("ended") > 0;
  }));
  std::string heard;
  for (const std::string& event : log.events())
    if (event.starts_with("data ")) heard += event.substr(5);
  EXPECT_EQ(heard, "12");
  EXPECT_EQ(log.events().back(), "ended");
}

TEST_P(HalfClose, ReturningCloseFromEndedSendsWhatItWrote) {
  TestServer server = serve({.data = [](Conn& c, Input& in) { c.write(in.take()); },
                             .ended =
                                 [](Conn& c, Input&) {
                                   c.write("bye");
                                   return Action::close;
                                 }});
  Client client = server.connect();
  client.send("hello ");
  client.shutdown_write();
  const auto rest = client.receive_rest();
  EXPECT_EQ(rest.bytes, "hello bye");
  EXPECT_EQ(rest.error, 0);
}

TEST_P(HalfClose, ADelayedReplyAfterTheEndIsFollowedByTheEnd) {
  TestServer server = serve({.ended = [](Conn& c, Input&) {
    c.run_after(20ms, [](Conn& later) {
      later.write("late");
      later.close();
    });
  }});
  Client client = server.connect();
  client.shutdown_write();
  EXPECT_EQ(client.receive_rest().bytes, "late");
}

TEST_P(HalfClose, AResetAfterTheEndIsNoticed) {
  EventLog log;
  TestServer server = serve(
      {.ended = [&] { log.add("ended"); },
       .closed = [&](Conn&,
                     std::error_code error) { log.add(error ? "closed by an error" : "closed"); }});
  Client client = server.connect();
  client.shutdown_write();
  ASSERT_TRUE(log.wait_for("ended"));
  client.reset();
  EXPECT_TRUE(log.wait_for("closed by an error"));
}

TEST_P(HalfClose, AllRequestsBeforeTheEndAreServed) {
  EventLog log;
  TestServer server = serve(echo());
  for (int i = 0; i < 50; ++i) {
    Client client = server.connect();
    const std::string bytes = pattern(static_cast<std::size_t>(i) * 1000);
    client.send(bytes);
    client.shutdown_write();
    const auto rest = client.receive_rest();
    ASSERT_EQ(rest.error, 0);
    ASSERT_TRUE(same_bytes(rest.bytes, bytes));
  }
}

}  // namespace
}  // namespace evio::test
