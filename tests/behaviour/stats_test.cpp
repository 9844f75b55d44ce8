// Server::stats counts events exactly: in total, for each loop, and by reason.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <atomic>
#include <map>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

std::vector<std::uint64_t> figures(const Stats& stats) {
  std::vector<std::uint64_t> all{stats.accepted,
                                 stats.open,
                                 stats.closed,
                                 stats.refused,
                                 stats.received,
                                 stats.sent,
                                 stats.datagrams_received,
                                 stats.datagrams_sent,
                                 stats.datagrams_dropped,
                                 stats.accept_pauses,
                                 stats.memory,
                                 stats.memory_pauses,
                                 stats.wakeups,
                                 stats.messages,
                                 stats.output_pending,
                                 stats.input_held,
                                 stats.timers,
                                 stats.timers_run,
                                 stats.posts,
                                 stats.slow_batches,
                                 static_cast<std::uint64_t>(stats.lag.sum.count())};
  all.insert(all.end(), stats.closed_by.begin(), stats.closed_by.end());
  all.insert(all.end(), stats.lag.counts.begin(), stats.lag.counts.end());
  return all;
}

class Statistics : public Behaviour {
 protected:
  // The sum over all loops and the accepting thread.
  static std::vector<std::uint64_t> sum_of_loops(const Server& server) {
    std::vector<std::uint64_t> sum = figures({});
    for (int i = -1; i < server.loops(); ++i) {
      const auto one = figures(server.stats(i));
      for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += one[j];
    }
    return sum;
  }
};
EVIO_ON_EVERY_BACKEND(Statistics);

TEST_P(Statistics, CountConnectionsBytesAndMessages) {
  std::atomic<std::uint64_t> calls{0};
  TestServer server = serve({.data = [&](Conn& c, Input& in) {
    ++calls;
    c.write(in.take());
  }});
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(server.connect());
    EXPECT_EQ(echo_through(clients.back(), "12345"), "12345");
    EXPECT_EQ(echo_through(clients.back(), "678"), "678");
  }
  ASSERT_TRUE(eventually([&] { return server->stats().sent == 64; }));
  const Stats stats = server->stats();
  EXPECT_EQ(stats.accepted, 8U);
  EXPECT_EQ(stats.open, 8U);
  EXPECT_EQ(stats.closed, 0U);
  EXPECT_EQ(stats.received, 64U);
  EXPECT_EQ(stats.messages, calls);
  for (int i = 0; i < loops(); ++i) {
    const Stats one = server->stats(i);
    EXPECT_EQ(one.accepted, 8U / static_cast<unsigned>(loops()));
    EXPECT_EQ(one.open, 8U / static_cast<unsigned>(loops()));
    EXPECT_EQ(one.received, 64U / static_cast<unsigned>(loops()));
  }
  clients.clear();
  ASSERT_TRUE(eventually([&] { return server->stats().open == 0; }));
  server.stop();
  EXPECT_EQ(server->stats().closed_as(CloseReason::orderly), 8U);
  EXPECT_EQ(figures(server->stats()), sum_of_loops(*server));
}

TEST_P(Statistics, MayBeReadForExistingLoopsOnly) {
  TestServer server = serve({});
  EXPECT_EQ(server->stats(-1).accepted, 0U);
  EXPECT_THROW(static_cast<void>(server->stats(loops())), std::out_of_range);
  EXPECT_THROW(static_cast<void>(server->stats(-2)), std::out_of_range);
}

// Closes connections in every way that takes no time; the first byte of the input selects the way.
Events closing(std::map<CloseReason, std::uint64_t>& expected, std::mutex& mutex) {
  return {.limits = {.input_max = 10,
                     .output_high = 100,
                     .output_low = 10,
                     .output_max = 1000,
                     .drain_timeout = 20ms},
          .data =
              [](Conn& c, Input& in) {
                switch (in.view()[0]) {
                  case 'c':
                    return Action::close;
                  case 'd':
                    return Action::detach;
                  case 'o':
                    c.write(std::string(1001, 'o'));
                    break;
                  case 't':
                    throw std::runtime_error("thrown");
                  case 'i':
                    c.set({.idle_timeout = 20ms});
                    in.take();
                    break;
                  default:  // leaves the input unconsumed
                    break;
                }
                return Action::none;
              },
          .closed =
              [&](Conn&, std::error_code error) {
                const std::lock_guard lock(mutex);
                ++expected[close_reason_of(error)];
              },
          .detached = [](Conn&, Socket) {},
          .failed = [](Conn*, std::exception_ptr) {}};
}

TEST_P(Statistics, CountWhyConnectionsClose) {
  std::map<CloseReason, std::uint64_t> expected;
  std::mutex mutex;
  TestServer server = serve(closing(expected, mutex));
  std::vector<Client> clients;
  const auto expect_one_more = [&](CloseReason ending, std::string_view bytes) {
    const std::uint64_t before = server->stats().closed_as(ending);
    clients.push_back(server.connect());
    if (!bytes.empty()) clients.back().send(bytes);
    if (ending == CloseReason::reset) {
      ASSERT_TRUE(eventually([&] { return server->stats().received >= 1; }));
      clients.back().reset();
    } else if (bytes.empty() || bytes == "c") {
      clients.back().close();
    }
    EXPECT_TRUE(eventually([&] { return server->stats().closed_as(ending) == before + 1; }))
        << name_of(ending);
  };
  expect_one_more(CloseReason::reset, "x");
  expect_one_more(CloseReason::orderly, "");
  expect_one_more(CloseReason::orderly, "c");
  expect_one_more(CloseReason::detached, "d");
  expect_one_more(CloseReason::output_overflow, "o");
  expect_one_more(CloseReason::handler_failed, "t");
  expect_one_more(CloseReason::idle_timeout, "i");
  expect_one_more(CloseReason::input_overflow, "x2345678901");
  server.stop();
  const Stats stats = server->stats();
  EXPECT_EQ(stats.closed, 8U);
  EXPECT_EQ(stats.accepted, 8U);
  ++expected[CloseReason::detached];  // `closed` is not called for it
  for (std::size_t i = 0; i < close_reason_count; ++i)
    EXPECT_EQ(stats.closed_by[i], expected[static_cast<CloseReason>(i)])
        << name_of(static_cast<CloseReason>(i));
}

TEST_P(Statistics, CountASlowPeerAndAFailedConnect) {
  TestServer server = serve({.limits = {.drain_timeout = 20ms}, .data = [](Conn& c, Input&) {
                               c.write(std::string(16 << 20, '.'));
                               return Action::close;
                             }});
  Client client = server.connect(tiny);
  client.send("x");
  EXPECT_TRUE(
      eventually([&] { return server->stats().closed_as(CloseReason::drain_timeout) == 1; }));
  const auto port = [] {
    return TestServer({}, "tcp://127.0.0.1:0").port();
  }();  // an address without a listener
  server->connect("tcp://127.0.0.1:" + std::to_string(port));
  EXPECT_TRUE(eventually([&] { return server->stats().closed_as(CloseReason::other) == 1; }));
  EXPECT_EQ(server->stats().open, 0U);
}

TEST_P(Statistics, ReportPendingOutputAndUnconsumedInput) {
  HandleSlot handle;
  TestServer server = serve({.limits = {.output_high = 64 << 20},
                             .opened = [&](Conn& c) { handle.put(c); },
                             .data =
                                 [](Conn& c, Input& in) {
                                   if (in.view() == "write") c.write(std::string(16 << 20, '.'));
                                 }});
  Client client = server.connect(tiny);
  client.send("write");
  const Handle of = handle.get();
  EXPECT_TRUE(eventually([&] {
    const std::uint64_t pending = of.pending_output();
    const Stats stats = server->stats();
    return pending > 0 && stats.output_pending == pending && stats.input_held >= 5;
  }));
  const Stats stats = server->stats();
  EXPECT_GE(stats.memory, stats.output_pending + stats.input_held);
  EXPECT_LE(stats.memory, stats.output_pending + stats.input_held + 256 * kib)
      << "with what is kept for each piece";
  client.close();
  EXPECT_TRUE(eventually([&] { return server->stats().memory == 0; }));
  EXPECT_EQ(server->stats().output_pending + server->stats().input_held, 0U);
}

TEST_P(Statistics, CountTimersAndPosts) {
  TestServer server = serve(echo());
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "x"), "x") << "and no loop has a pending task for another now";
  const int last = loops() - 1;
  std::uint64_t posts = 0;
  server.on_loop(last, [&] { posts = server->stats(last).posts; });
  for (int i = 0; i < 10; ++i) server.on_loop(last, [] {});
  server.on_loop(last, [&] { posts = server->stats(last).posts - posts; });
  EXPECT_EQ(posts, 11U);

  const Stats before = server->stats(last);
  server.on_loop(last, [&] {
    for (int i = 0; i < 5; ++i) server->loop(last).run_after(1h, [] {});
    for (int i = 0; i < 3; ++i) server->loop(last).run_after(0ms, [] {});
  });
  EXPECT_TRUE(eventually([&] {
    const Stats stats = server->stats(last);
    return stats.timers_run == before.timers_run + 3 && stats.timers == before.timers + 5;
  }));
}

TEST_P(Statistics, MeasureHowLongHandlersBlockTheLoop) {
  TestServer server = serve({.data = [](Conn& c, Input& in) {
    std::this_thread::sleep_for(Stats::slow + 1ms);
    c.write(in.take());
  }});
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "x"), "x");
  EXPECT_TRUE(eventually([&] { return server->stats().slow_batches >= 1; }));
  const LagHistogram lag = server->stats().lag;
  EXPECT_GT(lag.sum, Stats::slow);
  std::uint64_t longer = 0;  // longer than 65 ms
  for (std::size_t i = 0; i < lag.counts.size(); ++i)
    if (i > 0 && LagHistogram::bound(i - 1) > 60ms) longer += lag.counts[i];
  EXPECT_GE(longer, 1U);
}

class StatisticsOfOneLoop : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(StatisticsOfOneLoop, 1);

TEST_P(StatisticsOfOneLoop, LagExcludesTheTimeOfAForeignLoop) {
  Server server(as_set_up(echo()), "tcp://127.0.0.1:0");
  Duration inside{};
  for (int i = 0; i < 10; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(server.poll(0ms));
    inside += std::chrono::steady_clock::now() - begun;
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_LE(server.stats().lag.sum, inside);
  EXPECT_GT(server.stats().lag.count(), 0U);
  server.shutdown();
  while (server.poll(1ms)) {
  }
}

TEST_P(StatisticsOfOneLoop, DatagramsCountAsMessages) {
  TestServer server = serve(echo(), "udp://127.0.0.1:0");
  UdpClient client = UdpClient::udp4();
  for (int i = 0; i < 3; ++i) {
    client.send_to(server.port(), "1234");
    EXPECT_EQ(client.receive().bytes, "1234");
  }
  const Stats stats = server->stats();
  EXPECT_EQ(stats.messages, 3U);
  EXPECT_EQ(stats.datagrams_received, 3U);
  EXPECT_EQ(stats.received, 12U);
}

}  // namespace
}  // namespace evio::test
