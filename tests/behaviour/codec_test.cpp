// With a codec, each call of `data` receives one whole message, and each write is encoded as one.
#include "support/behaviour.hpp"

namespace evio::test { namespace {

class CodecOfAService : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(CodecOfAService, 1);

Callback<Action(Conn&, std::error_code)> note_closed(EventLog& log) {
  return [&log](Conn&, std::error_code error) {
    log.add("closed: " + (error ? error.message() : "in order"));
  };
}

TEST_P(CodecOfAService, AMessageIsPassedWholeAndOnce) {
  EventLog log;
  TestServer server = serve({.codec = codec::Lines{}, .data = [&](Conn&, Input& in) {
                               log.add("<" + std::string(in.view()) + ">");
                             }});
  Client client = server.connect();
  for (const std::string_view part : {"on", "e\ntwo\n\nth", "r", "ee\r", "\n"}) client.send(part);
  EXPECT_TRUE(log.wait_for("<three>"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"<one>", "<two>", "<>", "<three>"}));
}

TEST_P(CodecOfAService, AWriteIsEncodedAsAMessage) {
  TestServer server = serve({.codec = codec::LengthPrefixed(2), .data = [](Conn& c, Input& in) {
                               c.write(in.view());
                               c.write({"a", "b"});
                               c.write(SharedBytes("shared"));
                               c.write("");
                               c.handle().send("sent");
                             }});
  Client client = server.connect();
  client.send(std::string("\0\3lent", 5));
  client.send("t");
  const std::string expected("\0\3len\0\2ab\0\6shared\0\0\0\4sent", 25);
  EXPECT_EQ(client.receive(expected.size()), expected);
}

TEST_P(CodecOfAService, MessagesWaitDuringAPause) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.codec = codec::Lines{},
                             .opened = [&](Conn& c) { handle.put(c); },
                             .data =
                                 [&](Conn& c, Input& in) {
                                   log.add(std::string(in.view()));
                                   if (in.view() == "wait") c.pause();
                                 }});
  Client client = server.connect();
  client.send("wait\nfor\nit\n");
  EXPECT_TRUE(log.wait_for("wait"));
  handle.get().post([](Conn& c) { c.resume(); });
  EXPECT_TRUE(log.wait_for("it"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"wait", "for", "it"}));
}

// Otherwise an echo server of lines would reply to an empty line that no peer sent.
TEST_P(CodecOfAService, AWakeWithoutACompleteMessageCallsNothing) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.codec = codec::Lines{},
                             .opened = [&](Conn& c) { handle.put(c); },
                             .data =
                                 [&](Conn& c, Input& line) {
                                   log.add("<" + std::string(line.view()) + ">");
                                   c.write(line.view());
                                 }});
  Client client = server.connect();
  const Handle name = handle.get();
  name.wake();
  client.send("incomplete");
  ASSERT_TRUE(eventually([&] { return server->stats().received == 10; }));
  name.wake();
  name.post([&](Conn&) { log.add("woken"); });
  EXPECT_TRUE(log.wait_for("woken"));
  client.send("\n");
  EXPECT_EQ(client.receive(11), "incomplete\n");
  EXPECT_EQ(log.events(), (std::vector<std::string>{"woken", "<incomplete>"}));
}

TEST_P(CodecOfAService, AWakePassesTheNextMessageDuringAPause) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.codec = codec::Lines{},
                             .opened = [&](Conn& c) { handle.put(c); },
                             .data =
                                 [&](Conn& c, Input& line) {
                                   log.add(std::string(line.view()));
                                   c.pause();
                                 }});
  Client client = server.connect();
  client.send("one\ntwo\nthree\n");
  EXPECT_TRUE(log.wait_for("one"));
  const Handle name = handle.get();
  for (const char* next : {"two", "three"}) {
    name.wake();
    name.post([&](Conn&) { log.add("woken"); });
    EXPECT_TRUE(log.wait_for(next));
  }
  name.wake();
  name.post([&](Conn&) { log.add("woken"); });
  EXPECT_TRUE(log.wait_for("woken", 3));
  EXPECT_EQ(log.events(),
            (std::vector<std::string>{"one", "two", "woken", "three", "woken", "woken"}));
}

TEST_P(CodecOfAService, NoMessageIsPassedAfterClose) {
  EventLog log;
  TestServer server = serve({.codec = codec::Lines{},
                             .data =
                                 [&](Conn& c, Input& in) {
                                   log.add(std::string(in.view()));
                                   c.write(in.view());
                                   return Action::close;
                                 },
                             .closed = note_closed(log)});
  Client client = server.connect();
  client.send("last\nunseen\n");
  EXPECT_EQ(client.receive_rest().bytes, "last\n");
  client.close();
  EXPECT_TRUE(log.wait_for("closed: in order"));
  EXPECT_EQ(log.size(), 2U);
}

TEST_P(CodecOfAService, EndedReceivesAnIncompleteMessage) {
  EventLog log;
  TestServer server = serve({.codec = codec::Lines{},
                             .data = [] {},
                             .ended =
                                 [&](Conn&, Input& in) {
                                   log.add("rest: " + std::string(in.view()));
                                   return Action::close;
                                 }});
  Client client = server.connect();
  client.send("whole\nno line");
  client.shutdown_write();
  EXPECT_TRUE(log.wait_for("rest: no line"));
}

TEST_P(CodecOfAService, AFrameAboveTheLimitClosesBeforeItHasArrived) {
  EventLog log;
  TestServer server = serve({.limits = {.input_max = 100},
                             .codec = codec::LengthPrefixed(4),
                             .data = [] {},
                             .closed = note_closed(log)});
  Client client = server.connect();
  client.send(std::string("\0\0\0\x61", 4));
  EXPECT_TRUE(log.wait_for("closed: " + make_error_code(Errc::frame_too_large).message()));
}

TEST_P(CodecOfAService, AFrameOfExactlyTheLimitIsAccepted) {
  EventLog log;
  TestServer server = serve({.limits = {.input_max = 100},
                             .codec = codec::Lines{},
                             .data = [&](Conn&, Input& in) { log.add(std::to_string(in.size())); },
                             .closed = note_closed(log)});
  Client client = server.connect();
  client.send(std::string(99, 'x') + "\n");
  EXPECT_TRUE(log.wait_for("99"));
  client.send(std::string(101, 'x'));
  EXPECT_TRUE(log.wait_for("closed: " + make_error_code(Errc::frame_too_large).message()));
}

TEST_P(CodecOfAService, AMalformedFrameClosesTheConnection) {
  EventLog log;
  TestServer server =
      serve({.codec = codec::VarintPrefixed{}, .data = [] {}, .closed = note_closed(log)});
  Client client = server.connect();
  client.send(std::string(10, '\xff'));
  EXPECT_TRUE(log.wait_for("closed: " + make_error_code(Errc::bad_frame).message()));
}

TEST_P(CodecOfAService, AMessageThatTheCodecRejectsThrowsInWrite) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.codec = codec::FixedLength(4),
                             .opened = [&](Conn& c) { handle.put(c); },
                             .closed = note_closed(log),
                             .failed =
                                 [&](Conn*, const std::exception_ptr& exception) {
                                   try {
                                     std::rethrow_exception(exception);
                                   } catch (const std::length_error&) {
                                     log.add("length");
                                   }
                                 }});
  Client client = server.connect();
  handle.get().send("four");
  EXPECT_EQ(client.receive(4), "four");
  handle.get().send("five!");
  EXPECT_TRUE(log.wait_for("length"));
  client.close();
  EXPECT_TRUE(log.wait_for("closed: " + make_error_code(Errc::handler_failed).message()));
}

}  // namespace
}  // namespace evio::test
