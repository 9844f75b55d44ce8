// A handle refers to its connection from any thread at any time, and never to another connection.
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Handles : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Handles);

// Opens the gate when the callable that holds it is destroyed.
std::shared_ptr<void> at_destruction(Gate& gate) {
  return {&gate, [](Gate* opened) { opened->open(); }};
}

TEST_P(Handles, WakeCallsDataWithUnconsumedInput) {
  EventLog log;
  HandleSlot handle;
  TestServer server =
      serve({.opened = [&](Conn& c) { handle.put(c); },
             .data = [&](Conn&, Input& in) { log.add("data " + std::string(in.view())); }});
  Client client = server.connect();
  handle.get().wake();
  ASSERT_TRUE(log.wait_for("data "));
  client.send("left");
  ASSERT_TRUE(log.wait_for("data left"));
  handle.get().wake();
  EXPECT_TRUE(log.wait_for("data left", 2));
}

TEST_P(Handles, ManyWakesMayMergeButTheLastIsNeverLost) {
  std::atomic<int> wanted{0}, seen{0};
  HandleSlot handle;
  TestServer server =
      serve({.opened = [&](Conn& c) { handle.put(c); }, .data = [&] { seen = wanted.load(); }});
  Client client = server.connect();
  const Handle name = *handle;
  for (int i = 1; i <= 1000; ++i) {
    wanted = i;
    name.wake();
    ASSERT_TRUE(i % 3 != 0 || eventually([&] { return seen == i; }))
        << "wake-up " << i << " was lost";
  }
  EXPECT_TRUE(eventually([&] { return seen == 1000; }));
}

TEST_P(Handles, AWakeRunsImmediately) {
  // If a wake waited for the loop's next timeout of, say, 100 ms, all of these would take minutes.
  TestServer server = serve({});
  for (int i = 0; i < 1000; ++i) server.on_loop(i % loops(), [] {});
}

TEST_P(Handles, AStaleWakeDoesNotReachTheNextOwnerOfTheDescriptor) {
  EventLog log;
  std::mutex mutex;
  std::vector<std::pair<Handle, int>> opened;
  TestServer server =
      serve({.opened =
                 [&](Conn& c) {
                   const std::lock_guard lock(mutex);
                   opened.emplace_back(c.handle(), c.native_handle());
                   log.add("opened");
                 },
             .data = [&](Conn& c, Input&) { log.add("data " + std::to_string(c.id())); },
             .closed = [&] { log.add("closed"); }});
  const auto number_of = [&](std::size_t index) {
    const std::lock_guard lock(mutex);
    return opened.at(index);
  };
  Client first = server.connect();
  ASSERT_TRUE(log.wait_for("opened"));
  first.close();
  ASSERT_TRUE(log.wait_for("closed"));
  ASSERT_TRUE(eventually([&] { return !open_descriptors().contains(number_of(0).second); }))
      << "closed after `closed`";
  // The next client takes the descriptor number of the first, so that accept returns the old number
  // again.
  std::vector<Client> next;
  bool reused = false;
  for (std::size_t i = 1; i < 6 && !reused; ++i) {
    next.push_back(server.connect());
    ASSERT_TRUE(log.wait_for("opened", i + 1));
    reused = number_of(i).second == number_of(0).second;
  }
  EXPECT_TRUE(reused);
  const Handle stale = number_of(0).first;
  stale.wake();
  EXPECT_FALSE(stale.send("for nobody"));
  EXPECT_FALSE(stale.post([&](Conn&) { log.add("stale post"); }));
  stale.close();
  EXPECT_EQ(stale.pending_output(), 0U);
  for (std::size_t i = 0; i < next.size(); ++i) {
    const Handle live = number_of(i + 1).first;
    live.wake();
    ASSERT_TRUE(log.wait_for("data " + std::to_string(live.id())));
    wait_for_pending(live);
    EXPECT_EQ(log.count("data " + std::to_string(live.id())), 1U) << "the stale wake reached it";
    EXPECT_TRUE(next[i].silent());
  }
  EXPECT_EQ(log.count("stale post"), 0U);
  EXPECT_EQ(log.count("closed"), 1U);
}

TEST_P(Handles, CallsOfOneThreadTakeEffectInOrder) {
  TestServer server = serve({.data = [](Conn& c, Input& in) {
    in.take();
    const Handle handle = c.handle();
    handle.send("2");
    handle.post([](Conn& conn) { conn.write("3"); });
    handle.send(SharedBytes("4"));
    handle.post([handle](Conn& conn) {
      handle.send("6");
      conn.write("5");
    });
    c.write("1");
  }});
  Client client = server.connect();
  client.send("go");
  EXPECT_EQ(client.receive(6), "123456");
}

TEST_P(Handles, SendBeforeCloseIsSentAndLaterCallsAreDropped) {
  HandleSlot handle;
  TestServer server = serve({.opened = [&](Conn& c) { handle.put(c); }});
  Client client = server.connect();
  const Handle name = *handle;
  name.send(pattern(3 * mib));
  name.close();
  name.send("too late");
  EXPECT_TRUE(same_bytes(client.receive_rest().bytes, pattern(3 * mib)));
}

TEST_P(Handles, APostToAClosedConnectionIsDestroyedWithoutRunning) {
  EventLog log;
  HandleSlot handle;
  TestServer server =
      serve({.opened = [&](Conn& c) { handle.put(c); }, .closed = [&] { log.add("closed"); }});
  Client client = server.connect();
  const Handle name = *handle;
  client.close();
  ASSERT_TRUE(log.wait_for("closed"));
  Gate destroyed;
  EXPECT_FALSE(name.post([&log, held = at_destruction(destroyed)](Conn&) { log.add("ran"); }));
  EXPECT_TRUE(destroyed.wait());
  EXPECT_EQ(log.count("ran"), 0U);
}

TEST_P(Handles, PendingPostsOfAClosedConnectionAreDestroyed) {
  EventLog log;
  HandleSlot handle;
  Gate blocked, release;
  TestServer server = serve({.opened = [&](Conn& c) { handle.put(c); },
                             .data =
                                 [&](Conn& c, Input&) {
                                   blocked.open();
                                   EXPECT_TRUE(release.wait());
                                   c.abort();
                                 },
                             .closed = [&] { log.add("closed"); }});
  const OpensAtEnd let_go(release);
  Client client = server.connect();
  client.send("x");
  ASSERT_TRUE(blocked.wait());
  Gate destroyed;
  handle.get().post([held = at_destruction(destroyed)](Conn&) {});
  release.open();
  EXPECT_TRUE(destroyed.wait());
  EXPECT_TRUE(log.wait_for("closed"));
}

TEST_P(Handles, MayBeUsedAfterTheServerIsDestroyed) {
  Handle name;
  std::uint64_t id = 0;
  Gate destroyed;
  {
    HandleSlot handle;
    TestServer server = serve({.opened = [&](Conn& c) { handle.put(c); }});
    Client client = server.connect();
    name = *handle;
    id = name.id();
    server.stop();
    EXPECT_FALSE(name.send("ended")) << "after run returned";
    name.wake();
  }
  EXPECT_TRUE(name);
  EXPECT_EQ(name.id(), id);
  EXPECT_FALSE(name.send("x"));
  EXPECT_FALSE(name.send(SharedBytes("x")));
  EXPECT_FALSE(name.post([held = at_destruction(destroyed)](Conn&) { ADD_FAILURE(); }));
  EXPECT_TRUE(destroyed.is_open());
  name.wake();
  name.close();
  EXPECT_EQ(name.pending_output(), 0U);
}

TEST_P(Handles, AreComparableAndHashable) {
  HandleSlot first, second;
  TestServer server = serve({.opened =
                                 [&](Conn& c) {
                                   EXPECT_EQ(c.handle(), c.handle());
                                   (c.address_index() == 0 ? first : second).put(c);
                                 }},
                            "tcp://127.0.0.1:0", "tcp://127.0.0.1:0");
  Client a = server.connect({}, 0), b = server.connect({}, 1);
  std::unordered_set<Handle> set{*first, *second, *first, Handle()};
  EXPECT_EQ(set.size(), 3U);
  EXPECT_NE(*first, *second);
  EXPECT_NE(*first, Handle());
  EXPECT_EQ(Handle(), Handle());
}

TEST_P(Handles, AnEmptyHandleDoesNothing) {
  const Handle empty;
  EXPECT_FALSE(empty);
  EXPECT_FALSE(empty.send("x"));
  EXPECT_FALSE(empty.post([](Conn&) {}));
  empty.wake();
  empty.close();
  EXPECT_EQ(empty.pending_output(), 0U);
  EXPECT_EQ(empty.id(), 0U);
}

TEST_P(Handles, QueuedSendsCountAsPendingOutput) {
  HandleSlot handle;
  Gate blocked, release;
  TestServer server = serve({.opened = [&](Conn& c) { handle.put(c); },
                             .data =
                                 [&](Conn&, Input& in) {
                                   in.take();
                                   blocked.open();
                                   EXPECT_TRUE(release.wait());
                                 }});
  const OpensAtEnd let_go(release);
  Client client = server.connect();
  client.send("x");
  ASSERT_TRUE(blocked.wait());
  handle.get().send(pattern(100 * kib));
  handle.get().send(SharedBytes(pattern(100 * kib)));
  EXPECT_EQ(handle.get().pending_output(), 200 * kib);
  release.open();
  client.receive(200 * kib);
  EXPECT_TRUE(eventually([&] { return handle.get().pending_output() == 0; }));
}

TEST_P(Handles, MayBeUsedUnderALockThatHandlersTake) {
  std::mutex mutex;
  HandleSlot handle;
  std::atomic<int> heard{0};
  TestServer server = serve({.opened = [&](Conn& c) { handle.put(c); },
                             .data =
                                 [&](Conn& c, Input&) {
                                   const std::lock_guard lock(mutex);
                                   c.handle().wake();
                                   ++heard;
                                 }});
  Client client = server.connect();
  const Handle name = *handle;
  for (int i = 0; i < 500; ++i) {
    const std::lock_guard lock(mutex);
    name.wake();
    name.send("x");
    name.post([&](Conn&) { const std::lock_guard inside(mutex); });
  }
  EXPECT_TRUE(eventually([&] { return heard > 10; }));
}

TEST_P(Handles, SurviveManyShortConnections) {
  std::mutex mutex;
  std::vector<Handle> names;
  std::atomic<bool> stop{false};
  TestServer server = serve({.opened =
                                 [&](Conn& c) {
                                   const std::lock_guard lock(mutex);
                                   names.push_back(c.handle());
                                   if (names.size() > 16) names.erase(names.begin());
                                 },
                             .data = [](Conn& c, Input& in) { c.write(in.take()); }});
  const auto fire = [&] {
    for (unsigned i = 0; !stop; ++i) {
      Handle name;
      {
        const std::lock_guard lock(mutex);
        if (!names.empty()) name = names[i % names.size()];
      }
      name.wake();
      name.post([](Conn& c) { c.write("p"); });
      name.send("s");
      if (i % 50 == 0) name.close();
      std::this_thread::yield();
    }
  };
  Background one(fire), two(fire);
  for (int i = 0; i < 200; ++i) {
    Client client = server.connect();
    client.send_some("x");
    if (i % 2) client.reset();
  }
  stop = true;
}

TEST_P(Handles, PostsToALoopRunInOrderAndNotAfterItsEnd) {
  EventLog log;
  TestServer server = serve({});
  Loop& loop = server->loop(loops() - 1);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(loop.post([&log, i] { log.add(std::to_string(i)); }));
  ASSERT_TRUE(log.wait_for("99"));
  const auto events = log.events();
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(events[i], std::to_string(i));
  server.stop();
  Gate destroyed;
  EXPECT_FALSE(loop.post([held = at_destruction(destroyed)] { ADD_FAILURE(); }));
  EXPECT_TRUE(destroyed.is_open());
}

}  // namespace
}  // namespace evio::test
