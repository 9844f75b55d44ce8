// Endless work on one loop does not starve other connections, posts, timers or shutdown.
#include <atomic>
#include <functional>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class FairShares : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(FairShares, 1);

// Checks that everything else on the loop still runs.
void expect_all_served(TestServer& server) {
  Client client = server.connect();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(echo_through(client, "ping"), "ping");
  for (int i = 0; i < 20; ++i) server.on_loop(0, [] {});
  Gate fired;
  server.on_loop(0, [&] { server->loop(0).run_after(1ms, [&] { fired.open(); }); });
  EXPECT_TRUE(fired.wait());
}

TEST_P(FairShares, APeerThatSendsEndlesslyDoesNotStarveOthers) {
  TestServer server = serve({.data = [](Conn& c, Input& in) {
    if (in.view().starts_with("ping")) c.write(in.view());
    in.take();
  }});
  std::vector<Client> hoses;
  for (int i = 0; i < 3; ++i) hoses.push_back(server.connect());
  std::atomic<bool> stop{false};
  std::vector<Background> senders;
  for (Client& hose : hoses)
    senders.emplace_back([&] {
      const std::string much(256 * kib, 'x');
      while (!stop) hose.send(much);
    });
  expect_all_served(server);
  stop = true;
}

TEST_P(FairShares, APeerThatIsAnsweredEndlesslyDoesNotStarveOthers) {
  const SharedBytes much(pattern(512 * kib));
  TestServer server = serve({.data =
                                 [&](Conn& c, Input& in) {
                                   if (in.view() == "all") c.write(much);
                                   if (in.view() == "ping") c.write("ping");
                                   in.take();
                                 },
                             .drained = [&](Conn& c) { c.write(much); }},
                            "tcp://127.0.0.1:0");
  Client greedy = server.connect();
  std::atomic<bool> stop{false};
  Background reads([&] {
    while (!stop) {
      greedy.send("all");
      for (int i = 0; i < 8; ++i) greedy.receive(64 * kib);
    }
  });
  expect_all_served(server);
  stop = true;
}

TEST_P(FairShares, APostThatPostsItselfDoesNotStarveOthers) {
  TestServer server = serve(echo());
  Loop& loop = server->loop(0);
  std::function<void()> again = [&] { loop.post([&] { again(); }); };
  loop.post([&] { again(); });
  expect_all_served(server);
  EXPECT_EQ(message_of(server.stop()), "");
}

TEST_P(FairShares, AConnectionThatWakesItselfDoesNotStarveOthers) {
  HandleSlot handle;
  TestServer server = serve({.data = [&](Conn& c, Input& in) {
    if (in.view() == "for ever" || in.empty()) c.handle().wake();
    if (in.view() == "ping") c.write("ping");
    in.take();
  }});
  Client client = server.connect();
  client.send("for ever");
  expect_all_served(server);
  EXPECT_EQ(message_of(server.stop()), "");
}

TEST_P(FairShares, ATimerThatRestartsWithoutDelayDoesNotStarveOthers) {
  TestServer server = serve(echo());
  Loop& loop = server->loop(0);
  std::function<void()> again = [&] { loop.run_after(0s, [&] { again(); }); };
  server.on_loop(0, [&] { again(); });
  expect_all_served(server);
  EXPECT_EQ(message_of(server.stop()), "");
}

TEST_P(FairShares, ATickWithoutDelayDoesNotStarveOthers) {
  Events events = echo();
  events.tick = [] { return Tick{0s}; };
  TestServer server = serve(std::move(events));
  expect_all_served(server);
  EXPECT_EQ(message_of(server.stop()), "");
}

TEST_P(FairShares, AConnectionThatPausesAndResumesDoesNotStarveOthers) {
  TestServer server = serve({.data = [](Conn& c, Input& in) {
    if (in.view() == "ping") c.write(in.take());
    if (!in.empty()) {  // left unconsumed, so that each resume redelivers it
      c.pause();
      c.resume();
    }
  }});
  Client client = server.connect();
  client.send("for ever");
  expect_all_served(server);
  EXPECT_EQ(message_of(server.stop()), "");
}

TEST_P(FairShares, EndlessShortConnectionsDoNotStarveOthers) {
  TestServer server = serve(echo());
  std::atomic<bool> stop{false};
  Background comes([&] {
    while (!stop) server.connect().reset();
  });
  expect_all_served(server);
  stop = true;
}

}  // namespace
}  // namespace evio::test
