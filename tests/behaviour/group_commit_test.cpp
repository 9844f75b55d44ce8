// While pre_write is set, nothing is sent before it has run: the replies of a batch wait for one
// commit.
#include <atomic>
#include <mutex>
#include <set>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class GroupCommit : public Behaviour {};
EVIO_ON_EVERY_BACKEND(GroupCommit);

// The requests of one loop that are executed but not committed yet.
struct Journal {
  int uncommitted = 0;
};

TEST_P(GroupCommit, NothingIsSentBeforePreWriteWhateverItsSize) {
  for (const std::size_t size : {std::size_t{1}, 100 * kib, 3 * mib}) {
    Client* peer = nullptr;
    EventLog log;
    Gate connected;
    TestServer server = serve({.data =
                                   [&](Conn& c, Input& in) {
                                     EXPECT_TRUE(connected.wait());
                                     in.take();
                                     c.write(pattern(size));
                                     c.write(SharedBytes("end"));
                                     EXPECT_TRUE(peer->silent()) << "in the handler";
                                   },
                               .pre_write =
                                   [&] {
                                     EXPECT_TRUE(log.size() > 0 || peer->silent())
                                         << "before the first commit";
                                     log.add("commit");
                                   }});
    const OpensAtEnd let_go(connected);
    Client client = server.connect();
    peer = &client;
    connected.open();
    client.send("x");
    EXPECT_TRUE(same_bytes(client.receive(size + 3), pattern(size) + "end"));
    EXPECT_GE(log.count("commit"), 1U);
  }
}

TEST_P(GroupCommit, HandleSendsAndCloseWaitForPreWrite) {
  Client* peer = nullptr;
  EventLog log;
  HandleSlot handle;
  TestServer server = serve({.opened = [&](Conn& c) { handle.put(c); },
                             .pre_write =
                                 [&] {
                                   EXPECT_TRUE(peer->silent());
                                   log.add("commit");
                                 }});
  Client client = server.connect();
  peer = &client;
  const Handle name = *handle;
  name.send("sent ");
  EXPECT_EQ(client.receive(5), "sent ");
  EXPECT_EQ(log.count("commit"), 1U);
  name.post([](Conn& c) {
    c.write("last");
    c.close();
  });
  EXPECT_EQ(client.receive_rest().bytes, "last");
  EXPECT_EQ(log.count("commit"), 2U);
}

TEST_P(GroupCommit, EveryReplyIsCommittedBeforeItIsSent) {
  TestServer server = serve({.loop_started = [](Loop& loop) { loop.emplace_context<Journal>(); },
                             .data =
                                 [](Conn& c, Input& in) {
                                   ++c.loop().context<Journal>()->uncommitted;
                                   c.write(in.take());
                                 },
                             .pre_write =
                                 [](Loop& loop) {
                                   auto& journal = *loop.context<Journal>();
                                   EXPECT_GT(journal.uncommitted, 0) << "called without output";
                                   journal.uncommitted = 0;
                                 }});
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(server.connect());
  for (int round = 0; round < 20; ++round) {
    for (Client& client : clients) client.send("request");
    for (Client& client : clients) EXPECT_EQ(client.receive(7), "request");
  }
}

TEST_P(GroupCommit, OneCommitServesABatch) {
  std::atomic<int> commits{0};
  Gate blocked, release;
  TestServer server = serve(
      {.data = [](Conn& c, Input& in) { c.write(in.take()); }, .pre_write = [&] { ++commits; }});
  const OpensAtEnd let_go(release);
  std::vector<Client> clients;
  for (int i = 0; i < 4 * loops(); ++i) {
    clients.push_back(server.connect());
    echo_through(clients.back(), "x");
  }
  const int before = commits;
  std::atomic<int> waiting{0};
  for (int i = 0; i < loops(); ++i)
    server->loop(i).post([&] {
      ++waiting;
      EXPECT_TRUE(release.wait());
    });
  ASSERT_TRUE(eventually([&] { return waiting == loops(); }));
  for (Client& client : clients) client.send("y");
  release.open();
  for (Client& client : clients) EXPECT_EQ(client.receive(1), "y");
  EXPECT_EQ(commits - before, loops());
}

TEST_P(GroupCommit, OutputWrittenInPreWriteIsSent) {
  struct Newest {
    Conn* conn = nullptr;
  };
  TestServer server =
      serve({.loop_started = [](Loop& loop) { loop.emplace_context<Newest>(); },
             .data =
                 [](Conn& c, Input& in) {
                   c.loop().context<Newest>()->conn = &c;
                   c.write(in.take());
                 },
             .pre_write =
                 [](Loop& loop) {
                   if (Conn* c = std::exchange(loop.context<Newest>()->conn, nullptr))
                     c->write(" committed");
                 }});
  Client client = server.connect();
  client.send("x");
  EXPECT_EQ(client.receive(11), "x committed");
}

TEST_P(GroupCommit, AStalledPeerDoesNotDelayOthers) {
  TestServer server = serve({.options = {.send_buffer = 8192},
                             .data =
                                 [](Conn& c, Input& in) {
                                   if (in.take() == "much") c.write(pattern(2 * mib));
                                   c.write(".");
                                 },
                             .pre_write = [] {}});
  Client stalled = server.connect(tiny), other = server.connect();
  stalled.send("much");
  for (int i = 0; i < 20; ++i) {
    other.send("x");
    EXPECT_EQ(other.receive(1), ".");
  }
  EXPECT_TRUE(same_bytes(stalled.receive(2 * mib), pattern(2 * mib)));
}

}  // namespace
}  // namespace evio::test
