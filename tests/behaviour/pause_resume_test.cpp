// Input is read unless the connection is paused; what a handler does not consume is stored and
// passed again when reading resumes.
#include <rapidcheck.h>

#include <mutex>
#include <vector>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class PauseResume : public Behaviour {};
EVIO_ON_EVERY_BACKEND(PauseResume);

TEST_P(PauseResume, UnconsumedInputPrecedesNewInput) {
  EventLog log;
  TestServer server = serve({.data = [&](Conn& c, Input& in) {
    log.add(std::string(in.view()));
    if (in.view().ends_with(".")) c.write(in.take());
  }});
  Client client = server.connect();
  client.send("one");
  ASSERT_TRUE(log.wait_for("one"));
  client.send("two");
  ASSERT_TRUE(log.wait_for("onetwo"));
  client.send(".");
  EXPECT_EQ(client.receive(7), "onetwo.");
  EXPECT_EQ(log.size(), 3U) << "leftovers wait for new bytes";
}

TEST_P(PauseResume, OnlyAWakeCallsDataDuringAPause) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.data = [&](Conn& c, Input& in) {
    handle.put(c);
    c.pause();
    log.add("data " + std::string(in.view()));
  }});
  Client client = server.connect();
  client.send("left");
  ASSERT_TRUE(log.wait_for("data left"));
  client.send("unheard");
  wait_for_pending(*handle);
  EXPECT_EQ(log.size(), 1U);
  handle.get().wake();
  wait_for_pending(*handle);
  ASSERT_EQ(log.size(), 2U);
  EXPECT_TRUE(log.events()[1].starts_with("data left")) << "what was left untaken is there";
}

TEST_P(PauseResume, ResumeRedeliversUnconsumedInputOnce) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.data = [&](Conn& c, Input& in) {
    if (log.size() == 0) c.pause();
    handle.put(c);
    log.add("data " + std::string(in.view()));
  }});
  Client client = server.connect();
  client.send("left");
  ASSERT_TRUE(log.wait_for("data left"));
  Gate returned;
  handle.get().post([&](Conn& c) {
    c.resume();
    EXPECT_EQ(log.size(), 1U) << "not inside the call";
    returned.open();
  });
  ASSERT_TRUE(returned.wait());
  EXPECT_TRUE(log.wait_for("data left", 2));
  wait_for_pending(*handle);
  EXPECT_EQ(log.size(), 2U) << "once";
}

TEST_P(PauseResume, ResumeWithoutUnconsumedInputCallsNothing) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.data = [&](Conn& c, Input& in) {
    if (log.size() == 0) c.pause();
    handle.put(c);
    log.add("data " + std::string(in.take()));
  }});
  Client client = server.connect();
  client.send("1");
  ASSERT_TRUE(log.wait_for("data 1"));
  handle.get().post([](Conn& c) { c.resume(); });
  wait_for_pending(*handle);
  EXPECT_EQ(log.size(), 1U);
  client.send("2");
  EXPECT_TRUE(log.wait_for("data 2"));
}

TEST_P(PauseResume, PauseInOpenedDelaysAllInput) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.opened =
                                 [&](Conn& c) {
                                   c.pause();
                                   handle.put(c);
                                 },
                             .data = [&](Conn&, Input& in) { log.add(std::string(in.take())); }});
  Client client = server.connect();
  wait_for_pending(*handle);
  client.send("early");
  wait_for_pending(*handle);
  EXPECT_EQ(log.size(), 0U);
  handle.get().post([](Conn& c) { c.resume(); });
  EXPECT_TRUE(log.wait_for("early"));
}

TEST_P(PauseResume, PauseAndResumeInOneCallChangeNothing) {
  TestServer server = serve({.data = [](Conn& c, Input& in) {
    c.pause();
    c.resume();
    c.resume();
    c.write(in.take());
  }});
  Client client = server.connect();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(echo_through(client, "x"), "x");
}

TEST_P(PauseResume, APausedConnectionNoticesAResetButNotAnEnd) {
  EventLog log;
  HandleSlot ending, resetting;
  const auto note_in = [&](HandleSlot& handle) {
    return [&handle, &log](Conn& c, Input& in) {
      c.pause();
      handle.put(c);
      log.add(std::string(in.take()));
    };
  };
  const auto closed = [&](Conn&, std::error_code error) { log.add(error ? "reset" : "ended"); };
  TestServer server =
      serve({}, on("tcp://127.0.0.1:0", {.data = note_in(ending), .closed = closed}),
            on("tcp://127.0.0.1:0", {.data = note_in(resetting), .closed = closed}));
  Client ends = server.connect({}, 0);
  ends.send("ends");
  ASSERT_TRUE(log.wait_for("ends"));
  ends.close();
  Client resets = server.connect({}, 1);
  resets.send("resets");
  ASSERT_TRUE(log.wait_for("resets"));
  resets.reset();
  ASSERT_TRUE(log.wait_for("reset"));
  wait_for_pending(*ending);
  EXPECT_EQ(log.count("ended"), 0U);
  ending.get().post([](Conn& c) { c.resume(); });
  EXPECT_TRUE(log.wait_for("ended"));
}

TEST_P(PauseResume, TheEndOfCongestionRedeliversUnconsumedInput) {
  EventLog log;
  TestServer server = serve({.limits = {.output_high = 16 * kib, .output_low = 4 * kib},
                             .options = {.send_buffer = 8192},
                             .data =
                                 [&](Conn& c, Input& in) {
                                   log.add("data " + std::string(in.take(1)));
                                   c.write(pattern(1 * mib));
                                 },
                             .drained = [&] { log.add("drained"); }});
  Client client = server.connect(tiny);
  client.send("abc");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(same_bytes(client.receive(1 * mib), pattern(1 * mib)));
  ASSERT_TRUE(log.wait_for("drained", 3));
  const std::vector<std::string> expected{"data a",  "drained", "data b",
                                          "drained", "data c",  "drained"};
  EXPECT_EQ(log.events(), expected);
}

TEST_P(PauseResume, AnExplicitPauseOutlastsCongestion) {
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.limits = {.output_high = 16 * kib, .output_low = 4 * kib},
                             .options = {.send_buffer = 8192},
                             .data =
                                 [&](Conn& c, Input& in) {
                                   handle.put(c);
                                   log.add("data " + std::string(in.take(1)));
                                   c.write(pattern(1 * mib));
                                   c.pause();
                                 },
                             .drained = [&] { log.add("drained"); }});
  Client client = server.connect(tiny);
  client.send("ab");
  client.receive(1 * mib);
  ASSERT_TRUE(log.wait_for("drained"));
  wait_for_pending(*handle);
  EXPECT_EQ(log.count("data b"), 0U);
  handle.get().post([](Conn& c) { c.resume(); });
  EXPECT_TRUE(log.wait_for("data b"));
  client.receive(1 * mib);
}

TEST_P(PauseResume, ReadWhenCongestedKeepsReading) {
  EventLog log;
  TestServer server = serve({.limits = {.output_high = 16 * kib, .output_low = 4 * kib},
                             .options = {.send_buffer = 8192, .read_when_congested = true},
                             .data = [&](Conn& c, Input& in) {
                               log.add("data " + std::string(in.take()));
                               c.write(pattern(1 * mib));
                             }});
  Client client = server.connect(tiny);
  for (const std::string request : {"1", "2", "3"}) {
    client.send(request);
    EXPECT_TRUE(log.wait_for("data " + request));
  }
}

// How much each successive call of `data` consumes.
struct Takes {
  std::vector<std::size_t> sizes;
  std::size_t next = 0;
};

TEST_P(PauseResume, NoInputIsLostHoweverItIsConsumed) {
  std::mutex mutex;
  Takes takes;
  TestServer server = serve({.opened =
                                 [&](Conn& c) {
                                   const std::lock_guard lock(mutex);
                                   c.emplace_context<Takes>(takes);
                                 },
                             .data =
                                 [](Conn& c, Input& in) {
                                   auto& [sizes, next] = *c.context<Takes>();
                                   const std::size_t take = sizes[next++ % sizes.size()];
                                   c.write(in.take(take));
                                   if (in.empty()) return;
                                   if (take % 3 != 0) return c.handle().wake();
                                   c.pause();
                                   c.run_after(0s, [](Conn& later) { later.resume(); });
                                 }});
  const bool holds = rc::check("what comes back is what was sent", [&] {
    {
      const std::lock_guard lock(mutex);
      takes.sizes = *rc::gen::nonEmpty(
          rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(100, 5000)));
    }
    const std::string bytes = pattern(*rc::gen::inRange<std::size_t>(1, 50'000));
    Client client = server.connect();
    client.send(bytes);
    RC_ASSERT(bool(same_bytes(client.receive(bytes.size()), bytes)));
  });
  EXPECT_TRUE(holds);
}

TEST_P(PauseResume, AMebibyteMayBeConsumedByteByByte) {
  std::size_t taken = 0;
  Gate all;
  TestServer server = serve({.data = [&](Conn&, Input& in) {
    while (!in.empty()) taken += in.take(1).size();
    if (taken == 1 * mib) all.open();
  }});
  Client client = server.connect();
  client.send(pattern(1 * mib));
  EXPECT_TRUE(all.wait());
}

TEST_P(PauseResume, BorrowedInputStaysValidUntilTheHandlerReturns) {
  TestServer server = serve({.data = [](Conn& c, Input& in) {
    if (in.size() < 2000) return;
    const std::string_view first = in.take(1000), rest = in.take();
    const std::string copy(first);
    c.write(rest);
    c.write(pattern(2 * mib, 7));
    c.pause();
    c.close();
    EXPECT_EQ(first, copy);
  }});
  Client client = server.connect();
  const std::string bytes = pattern(2000);
  client.send(bytes.substr(0, 900));
  client.send(bytes.substr(900));
  EXPECT_TRUE(same_bytes(client.receive_rest().bytes, bytes.substr(1000) + pattern(2 * mib, 7)));
}

TEST_P(PauseResume, SettingReadWhenCongestedRedeliversInput) {
  EventLog log;
  HandleSlot slot;
  TestServer server = serve({.limits = {.output_high = 16 * kib},
                             .options = {.send_buffer = 8192},
                             .data =
                                 [&](Conn& c, Input& in) {
                                   slot.put(c);
                                   if (log.size() == 0) c.write(pattern(4 * mib));
                                   log.add("data " + std::string(in.view()));
                                 },
                             .drained = [&] { log.add("drained"); }});
  Client client = server.connect(tiny);
  client.send("left");
  const Handle handle = slot.get();
  handle.post([](Conn& c) { c.set({.read_when_congested = true}); });
  EXPECT_TRUE(log.wait_for("data left", 2));
  EXPECT_EQ(log.count("drained"), 0U);
}

}  // namespace
}  // namespace evio::test
