// In debug builds, a call from a thread that is not the loop's own stops the program.
#include "support/behaviour.hpp"

#ifndef NDEBUG

namespace evio::test { namespace {

class OwnThread : public Behaviour {};
EVIO_ON_EVERY_BACKEND(OwnThread);

// ThreadSanitizer supports no thread in a child that a threaded process forks.
TEST_P(OwnThread, CallsFromAnotherStopTheProgram) {
  if (finds_races) GTEST_SKIP();
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto calls = [this](auto call) {
    Conn* conn = nullptr;
    Timer timer;
    Gate opened;
    TestServer server = serve({.opened = [&](Conn& c) {
      conn = &c;
      timer = c.loop().run_after(1h, [] {});
      opened.open();
    }});
    Client client = server.connect();
    ASSERT_TRUE(opened.wait());
    call(*conn, timer);
  };
  EXPECT_DEATH(calls([](Conn& c, Timer&) { c.write("x"); }), "called a Conn; Conn::handle");
  EXPECT_DEATH(calls([](Conn& c, Timer&) { c.loop().run_after(1s, [] {}); }),
               "called a Loop; Loop::post|called a Conn");
  EXPECT_DEATH(calls([](Conn&, Timer& timer) { timer.cancel(); }), "called a Timer; Loop::post");
}

}}  // namespace evio::test

#endif
