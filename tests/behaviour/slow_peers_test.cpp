// Peers that hold a connection without using it: they send nothing after opening, or read a byte at
// a time.
#include "support/behaviour.hpp"

namespace evio::test { namespace {

class SlowPeers : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(SlowPeers, 1);

Callback<Action(Conn&, std::error_code)> note_closed(EventLog& log) {
  return [&log](Conn&, std::error_code error) { log.add(error ? error.message() : "in order"); };
}
std::string message(Errc code) { return make_error_code(code).message(); }

TEST_P(SlowPeers, APeerThatSendsNothingIsClosedAfterFirstBytesTimeout) {
  EventLog log;
  TestServer server = serve({.limits = {.first_bytes_timeout = 50ms}, .closed = note_closed(log)});
  Client silent = server.connect();
  EXPECT_TRUE(log.wait_for(message(Errc::first_bytes_timeout)));
  EXPECT_EQ(silent.receive_rest().bytes, "");
}

TEST_P(SlowPeers, APeerThatSentBytesMayStaySilent) {
  EventLog log;
  TestServer server = serve({.limits = {.first_bytes_timeout = 150ms},
                             .data = [](Conn& c, Input& in) { c.write(in.take()); },
                             .closed = note_closed(log)});
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "x"), "x");
  std::this_thread::sleep_for(250ms);
  EXPECT_EQ(echo_through(client, "y"), "y");
  EXPECT_EQ(log.size(), 0U);
}

TEST_P(SlowPeers, APeerThatReadsTooSlowlyIsClosed) {
  EventLog log;
  TestServer server = serve({.limits = {.output_max = 64 << 20, .slow_reader_timeout = 100ms},
                             .options = {.send_buffer = 16 << 10},
                             .opened = [](Conn& c) { c.write(std::string(32 << 20, 'x')); },
                             .closed = note_closed(log)});
  Client client = server.connect();
  while (!log.count(message(Errc::slow_reader))) {  // a few bytes are progress, but too little
    if (client.receive_some(100).empty()) break;
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_TRUE(log.wait_for(message(Errc::slow_reader)));
}

TEST_P(SlowPeers, APeerThatReadsFastEnoughReceivesAll) {
  EventLog log;
  constexpr std::size_t size = 8 << 20;
  TestServer server = serve({.limits = {.output_low = 1024, .slow_reader_timeout = 500ms},
                             .opened =
                                 [](Conn& c) {
                                   c.write(std::string(size, 'x'));
                                   return Action::close;
                                 },
                             .closed = note_closed(log)});
  Client client = server.connect();
  EXPECT_EQ(client.receive_rest().bytes.size(), size);
  client.close();
  EXPECT_TRUE(log.wait_for("in order"));
}

}  // namespace
}  // namespace evio::test
