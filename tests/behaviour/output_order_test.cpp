// Output arrives complete and in order, whatever the kernel accepts at a time and whichever thread
// sends.
#include <rapidcheck.h>

#include <mutex>
#include <vector>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class OutputOrder : public Behaviour {};
EVIO_ON_EVERY_BACKEND(OutputOrder);

constexpr std::size_t reply_size = 4 * kib;

// Replies to each eight-byte request with a different reply.
Events replies(Options options, Limits limits) {
  return {
      .limits = limits, .options = options, .data = [](Conn& c, Input& in) {
        while (in.size() >= 8)
          c.write(pattern(reply_size, static_cast<unsigned>(std::stoul(std::string(in.take(8))))));
      }};
}

void send_requests_and_sip(TestServer& server) {
  constexpr unsigned count = 300;
  Client client = server.connect({.receive = 4096});
  Background asks([&] {
    for (unsigned i = 0; i < count; ++i) client.send(std::to_string(10'000'000 + i));
  });
  std::string all;
  while (all.size() < count * reply_size) {
    const std::string sip = client.receive_some(1500);
    if (sip.empty()) break;
    all += sip;
  }
  asks.join();
  std::string expected;
  for (unsigned i = 0; i < count; ++i) expected += pattern(reply_size, 10'000'000 + i);
  EXPECT_TRUE(same_bytes(all, expected));
}

TEST_P(OutputOrder, IsKeptForASlowReaderWhileRequestsArrive) {
  TestServer server = serve(replies({.send_buffer = 4096}, {}));
  send_requests_and_sip(server);
}

TEST_P(OutputOrder, IsKeptWhileCongestionPausesReading) {
  TestServer server =
      serve(replies({.send_buffer = 4096}, {.output_high = 16 * kib, .output_low = 4 * kib}));
  send_requests_and_sip(server);
}

TEST_P(OutputOrder, IsKeptForWakesSendsAndPostsWithPendingOutput) {
  const std::string pending = pattern(2 * mib);
  Gate opened;
  Handle handle;
  TestServer server = serve({.limits = {.output_high = 8 * mib},
                             .options = {.send_buffer = 8192},
                             .opened =
                                 [&](Conn& c) {
                                   c.write(pending);
                                   handle = c.handle();
                                   opened.open();
                                 },
                             .data = [](Conn& c, Input&) { c.write("<data>"); }});
  Client client = server.connect(tiny);
  ASSERT_TRUE(opened.wait());
  handle.send("<send>");
  handle.wake();
  handle.post([](Conn& c) { c.write("<post>"); });
  handle.close();
  handle.send("<too late>");
  handle.wake();
  const auto rest = client.receive_rest();
  EXPECT_EQ(rest.error, 0);
  EXPECT_TRUE(same_bytes(rest.bytes, pending + "<send><data><post>"));
}

TEST_P(OutputOrder, IsKeptWhileACloseIsPending) {
  const std::string pending = pattern(1 * mib);
  Gate closing;
  Handle handle;
  TestServer server = serve({.options = {.send_buffer = 8192}, .opened = [&](Conn& c) {
                               handle = c.handle();
                               c.write(pending);
                               c.close();
                               EXPECT_FALSE(c.write("dropped"));
                               closing.open();
                             }});
  Client client = server.connect(tiny);
  ASSERT_TRUE(closing.wait());
  handle.wake();
  handle.send("dropped");
  handle.post([](Conn& c) { EXPECT_FALSE(c.write("dropped")); });
  handle.wake();
  const auto rest = client.receive_rest();
  EXPECT_EQ(rest.error, 0);
  EXPECT_TRUE(same_bytes(rest.bytes, pending));
}

TEST_P(OutputOrder, IsKeptForPiecesSharedBytesCopiesAndBorrowedInput) {
  const auto sent_as = [](Conn& c, Input& in) {
    const std::string_view borrowed = in.take();
    c.write("a");
    c.write(borrowed.substr(0, 3));
    c.write({"<", borrowed.substr(3), ">"});
    c.write(SharedBytes(std::string(100 * kib, 'B')));
    c.write(std::as_bytes(std::span("bytes", 5)));
    c.write(std::string(70 * kib, 'c'));
    c.write("");
    c.write(borrowed);
  };
  TestServer server = serve({.data = sent_as});
  Client client = server.connect();
  client.send("012345");
  const std::string expected =
      "a012<345>" + std::string(100 * kib, 'B') + "bytes" + std::string(70 * kib, 'c') + "012345";
  EXPECT_TRUE(same_bytes(client.receive(expected.size()), expected));
  EXPECT_TRUE(client.silent());
}

TEST_P(OutputOrder, IsKeptForAnySequenceOfWrites) {
  // What the handler writes for a request: the kind and size of each piece.
  using Script = std::vector<std::pair<int, std::size_t>>;
  std::mutex mutex;
  Script script;
  std::string expected;
  TestServer server =
      serve({.limits = {.output_high = 64 * mib},
             .options = {.send_buffer = 8192},
             .data = [&](Conn& c, Input& in) {
               if (in.size() < 1000) return;
               const std::string_view borrowed = in.take();
               const std::lock_guard lock(mutex);
               unsigned seed = 0;
               expected.clear();
               for (const auto& [kind, size] : script) {
                 const std::string bytes =
                     kind == 2 ? std::string(borrowed.substr(0, size)) : pattern(size, ++seed);
                 expected += bytes;
                 if (kind == 0) c.write(bytes);
                 if (kind == 1) c.write(SharedBytes(bytes));
                 if (kind == 2) c.write(borrowed.substr(0, size));
                 if (kind == 3) c.write({bytes.substr(0, size / 3), bytes.substr(size / 3)});
                 if (kind == 4) c.handle().send(bytes);
               }
               c.handle().close();
             }});
  const bool holds = rc::check("the peer receives exactly what was written", [&] {
    // Sends through handles are queued after the handler call, so they are last.
    const auto size =
        rc::gen::weightedOneOf<std::size_t>({{5, rc::gen::inRange<std::size_t>(0, 2000)},
                                             {1, rc::gen::inRange<std::size_t>(0, 100'000)}});
    auto written = *rc::gen::container<Script>(rc::gen::pair(rc::gen::inRange(0, 4), size));
    const auto sent = *rc::gen::container<Script>(rc::gen::pair(rc::gen::just(4), size));
    written.insert(written.end(), sent.begin(), sent.end());
    {
      const std::lock_guard lock(mutex);
      script = std::move(written);
    }
    Client client = server.connect(tiny);
    client.send(std::string(1000, 'r'));
    const auto rest = client.receive_rest();
    const std::lock_guard lock(mutex);
    RC_ASSERT(rest.error == 0);
    RC_ASSERT(bool(same_bytes(rest.bytes, expected)));
  });
  EXPECT_TRUE(holds);
}

TEST_P(OutputOrder, BorrowedInputIsSentWholeToASlowPeer) {
  TestServer server = serve(
      {.options = {.send_buffer = 8192}, .data = [](Conn& c, Input& in) { c.write(in.take()); }});
  const std::string bytes = pattern(3 * mib);
  Client client = server.connect({.receive = 4096});
  Background sends([&] { client.send(bytes); });
  const std::string received = client.receive(bytes.size());
  sends.join();
  EXPECT_TRUE(same_bytes(received, bytes));
}

TEST_P(OutputOrder, WritesOfOneHandlerCallAreSentTogether) {
  TestServer server = serve({.data = [](Conn& c, Input& in) {
    in.take();
    for (int i = 0; i < 100; ++i) c.write("0123456789");
  }});
  Client client = server.connect();
  client.send("x");
  client.receive(1000);
  EXPECT_EQ(client.data_segments(), 1U);
}

TEST_P(OutputOrder, IsKeptForEachOfManySendingThreads) {
  constexpr int threads = 4, each = 500;
  Gate opened;
  Handle handle;
  TestServer server = serve({.opened = [&](Conn& c) {
    handle = c.handle();
    opened.open();
  }});
  Client client = server.connect();
  ASSERT_TRUE(opened.wait());
  std::vector<Background> senders;
  for (int t = 0; t < threads; ++t)
    senders.emplace_back([&handle, t] {
      for (int i = 0; i < each; ++i) {
        const std::string message{static_cast<char>(t), static_cast<char>(i / 128),
                                  static_cast<char>(i % 128)};
        if (i % 2) {
          handle.send(message);
        } else {
          handle.post([message](Conn& c) { c.write(message); });
        }
      }
    });
  const std::string all = client.receive(3 * threads * each);
  for (auto& sender : senders) sender.join();
  int next[threads] = {};
  for (std::size_t at = 0; at < all.size(); at += 3) {
    const int t = all[at];
    ASSERT_LT(t, threads);
    ASSERT_EQ(all[at + 1] * 128 + all[at + 2], next[t]++) << "of thread " << t;
  }
}

TEST_P(OutputOrder, WriteReportsCongestionAndDrops) {
  EventLog log;
  TestServer server = serve({.limits = {.output_high = 64 * kib, .output_low = 16 * kib},
                             .options = {.send_buffer = 8192},
                             .opened =
                                 [&](Conn& c) {
                                   EXPECT_TRUE(c.write("small"));
                                   EXPECT_TRUE(c.write("")) << "nothing on a stream";
                                   EXPECT_FALSE(c.write(pattern(2 * mib)))
                                       << "congested, though kept";
                                   EXPECT_FALSE(c.write("kept as well"));
                                   EXPECT_TRUE(c.is_open());
                                 },
                             .drained =
                                 [&](Conn& c) {
                                   EXPECT_TRUE(c.write("drained"));
                                   c.close();
                                   EXPECT_FALSE(c.is_open());
                                   EXPECT_FALSE(c.write("dropped"));
                                 },
                             .closed =
                                 [&](Conn& c, std::error_code error) {
                                   EXPECT_FALSE(c.is_open());
                                   EXPECT_FALSE(c.write("dropped"));
                                   log.add("closed " + error.message());
                                 }});
  Client client = server.connect(tiny);
  const auto rest = client.receive_rest();
  EXPECT_TRUE(same_bytes(rest.bytes, "small" + pattern(2 * mib) + "kept as well" + "drained"));
  client.close();
  EXPECT_TRUE(log.wait_for("closed " + std::error_code().message()));
}

TEST_P(OutputOrder, PendingSharedBytesAreNotCopied) {
  const auto bytes = std::make_shared<std::string>(pattern(8 * mib));
  HandleSlot slot;
  TestServer server = serve({.options = {.send_buffer = 8192}, .opened = [&](Conn& c) {
                               slot.put(c);
                               c.write(SharedBytes(bytes, *bytes));
                             }});
  Client client = server.connect(tiny);
  const Handle handle = slot.get();
  wait_for_pending(handle);
  EXPECT_EQ(bytes.use_count(), 2) << "it would be free to go if its bytes had been copied";
  handle.send(SharedBytes(bytes, *bytes));
  wait_for_pending(handle);
  EXPECT_EQ(bytes.use_count(), 3);
  EXPECT_TRUE(same_bytes(client.receive(2 * bytes->size()), *bytes + *bytes));
  EXPECT_TRUE(eventually([&] { return bytes.use_count() == 1; }));
}

}  // namespace
}  // namespace evio::test
