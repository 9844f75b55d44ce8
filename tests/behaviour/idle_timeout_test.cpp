// A connection without traffic for idle_timeout is closed; the time does not count while it is
// paused.
#include "support/behaviour.hpp"

namespace evio::test { namespace {

class IdleTimeout : public Behaviour {};
EVIO_ON_EVERY_BACKEND(IdleTimeout);

Callback<Action(Conn&, std::error_code)> note_closed(EventLog& log) {
  return [&log](Conn&, std::error_code error) {
    log.add(error == Errc::idle_timeout ? "idle" : "closed");
  };
}

TEST_P(IdleTimeout, ClosesASilentConnection) {
  EventLog log;
  TestServer server = serve({.options = {.idle_timeout = 50ms}, .closed = note_closed(log)});
  const auto start = std::chrono::steady_clock::now();
  Client client = server.connect();
  EXPECT_EQ(client.receive_rest().error, 0) << "in order";
  EXPECT_GE(std::chrono::steady_clock::now() - start, 50ms);
  client.close();
  EXPECT_TRUE(log.wait_for("idle"));
}

TEST_P(IdleTimeout, BytesEitherWayKeepItOpen) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.options = {.idle_timeout = 300ms},
                             .opened = [&](Conn& c) { handle.put(c); },
                             .closed = note_closed(log)});
  Client client = server.connect();
  for (int i = 0; i < 4; ++i) {  // longer than the timeout in total
    std::this_thread::sleep_for(50ms);
    client.send("x");
    std::this_thread::sleep_for(50ms);
    handle.get().send("y");
    EXPECT_EQ(client.receive(1), "y");
  }
  EXPECT_EQ(log.size(), 0U);
  EXPECT_TRUE(log.wait_for("idle"));
}

TEST_P(IdleTimeout, StandsStillWhilePausedWithNothingToSend) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.options = {.idle_timeout = 30ms},
                             .opened =
                                 [&](Conn& c) {
                                   c.pause();
                                   handle.put(c);
                                 },
                             .closed = note_closed(log)});
  Client client = server.connect();
  const Handle name = *handle;
  std::this_thread::sleep_for(120ms);
  EXPECT_EQ(log.size(), 0U);
  name.post([](Conn& c) { c.resume(); });
  EXPECT_TRUE(log.wait_for("idle"));
}

TEST_P(IdleTimeout, DoesNotStandStillWhilePausedWithOutputPending) {
  EventLog log;
  TestServer server = serve({.options = {.idle_timeout = 80ms, .send_buffer = 8192},
                             .opened =
                                 [&](Conn& c) {
                                   c.pause();
                                   c.write(pattern(8 * mib));
                                 },
                             .closed = note_closed(log)});
  Client client = server.connect(tiny);
  EXPECT_TRUE(log.wait_for("idle"));
}

TEST_P(IdleTimeout, ClosesAPeerThatReadsNothing) {
  EventLog log;
  TestServer server = serve({.options = {.idle_timeout = 80ms, .send_buffer = 8192},
                             .opened = [](Conn& c) { c.write(pattern(8 * mib)); },
                             .closed = note_closed(log)});
  Client client = server.connect(tiny);
  EXPECT_TRUE(log.wait_for("idle"));
}

TEST_P(IdleTimeout, MayBeSetAndClearedForOneConnection) {
  EventLog log;
  TestServer server =
      serve({.options = {.idle_timeout = 40ms},
             .data =
                 [&](Conn& c, Input& in) {
                   c.set({.idle_timeout = in.take() == "never" ? Duration(0) : Duration(10ms)});
                   c.write("set");
                 },
             .closed = note_closed(log)});
  Client patient = server.connect();
  EXPECT_EQ((patient.send("never"), patient.receive(3)), "set");
  Client hasty = server.connect();
  EXPECT_EQ((hasty.send("soon"), hasty.receive(3)), "set");
  ASSERT_TRUE(log.wait_for("idle"));
  std::this_thread::sleep_for(80ms);
  EXPECT_EQ(log.size(), 1U);
  EXPECT_TRUE(patient.silent());
}

TEST_P(IdleTimeout, IsOffByDefault) {
  EventLog log;
  TestServer server = serve({.closed = note_closed(log)});
  Client client = server.connect();
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(log.size(), 0U);
}

}  // namespace
}  // namespace evio::test
