// The asynchronous double itself: it does what real drivers do rarely, and detects a caller that
// violates a rule.
#include "asynchronous_driver.hpp"

#include "rig.hpp"

namespace evio::test {

using namespace detail;
namespace {

class AsynchronousDouble : public testing::Test {
 protected:
  static std::unique_ptr<Platform> failing_accepts() {
    return make_asynchronous_platform(1, {.accept_failure = 0.5});
  }
  static std::unique_ptr<Platform> resets() {
    return make_asynchronous_platform(1, {.reset = 0.01});
  }
  static std::unique_ptr<Platform> plain() { return make_asynchronous_platform(1); }

  const StreamId a{0};
};

TEST_F(AsynchronousDouble, SendsNothingAtOnce) {
  Rig rig({"double", plain});
  Pair pair = tcp_pair();
  rig.open(a, pair.ours);
  const Chunk chunk{"now", 3};
  EXPECT_EQ(rig->send_now(a, {&chunk, 1}), 0U);
  EXPECT_EQ(rig->send(a, {&chunk, 1}), 0U);
  rig->close(a, CloseMode::abort);
}

TEST_F(AsynchronousDouble, SendsInParts) {
  Rig rig({"double", plain});
  Pair pair = tcp_pair();
  rig.open(a, pair.ours);
  int parts = 0;
  rig.script = [&](const Up& up) { parts += up.kind == Up::sent; };
  rig.send(a, pattern(100'000));
  rig.poll_until([&] { return pair.peer.received().size() == 100'000; }, [&] { pair.peer.read(); });
  EXPECT_GT(parts, 3);
}

TEST_F(AsynchronousDouble, ReportsBytesAfterReceivingWasStopped) {
  Rig rig({"double", plain});
  std::size_t late = 0;
  for (int i = 0; i < 50; ++i) {
    Pair pair = tcp_pair();
    rig.open(a, pair.ours);
    rig->set_receiving(a, true);
    pair.peer.send(pattern(100'000));
    rig.script = [&](const Up& up) {
      if (up.kind == Up::received) rig->set_receiving(a, false);
    };
    rig.poll_until([&] { return !rig[a].received.empty(); });
    const std::size_t stopped_at = rig[a].received.size();
    rig.poll_until_idle();
    late += rig[a].received.size() > stopped_at;
    rig.script = nullptr;
    rig.close(a);
    rig.poll_until([&] { return rig[a].gone(); });
  }
  EXPECT_GT(late, 10U);
}

TEST_F(AsynchronousDouble, FailsToAcceptAndResumesOnRequest) {
  Rig rig({"double", failing_accepts});
  const ListenerId listener{0};
  const Address address = rig.listen(listener);
  std::vector<Peer> peers;
  for (int i = 0; i < 50; ++i) peers.push_back(connect_to(address));
  rig.script = [&](const Up& up) {
    if (up.kind == Up::accept_stopped) rig->set_accepting(listener, true);
  };
  EXPECT_TRUE(rig.poll_until([&] { return rig.accepted.size() == 50; }));
  EXPECT_GT(rig.accept_stops.size(), 10U);
}

TEST_F(AsynchronousDouble, BreaksConnections) {
  Rig rig({"double", resets});
  for (int i = 0; i < 20; ++i) {
    Pair pair = tcp_pair();
    rig.open(a, pair.ours);
    rig->set_receiving(a, true);
    ASSERT_TRUE(rig.poll_until([&] { return rig[a].gone(); },
                               [&] {
                                 pair.peer.send("x");
                                 pair.peer.read();
                               }));
    EXPECT_EQ(*rig[a].closed, std::errc::connection_reset);
    pair.peer.read();
    EXPECT_TRUE(pair.peer.reset_seen());
  }
}

// ---- Rules

class AsynchronousDoubleDeathTest : public AsynchronousDouble {
 protected:
  void open() {
    Pair pair = tcp_pair(4096);
    peer = std::move(pair.peer);
    rig->open(a, pair.ours);
    bytes = pattern(1 * mib);
    chunk = {bytes.data(), bytes.size()};
  }

  std::unique_ptr<Platform> platform = plain();
  Rig rig{{"double", plain}};
  Peer peer;
  std::string bytes;
  Chunk chunk;
};

TEST_F(AsynchronousDoubleDeathTest, DetectsReceivedBytesThatAreUsedTooLate) {
  open();
  rig->send(a, {&chunk, 1});
  bytes[bytes.size() / 2] = '#';
  EXPECT_DEATH(rig.poll_until_idle(), "bytes stay in place");
}

TEST_F(AsynchronousDoubleDeathTest, DetectsChunksThatAreFreedTooEarly) {
  open();
  rig->send(a, {&chunk, 1});
  --chunk.size;
  EXPECT_DEATH(rig.poll_until_idle(), "chunks stay in place");
}

TEST_F(AsynchronousDoubleDeathTest, DetectsASecondSend) {
  open();
  rig->send(a, {&chunk, 1});
  EXPECT_DEATH(rig->send(a, {&chunk, 1}), "one send in flight");
  EXPECT_DEATH(rig->send_now(a, {&chunk, 1}), "one send in flight");
  EXPECT_DEATH(rig->shutdown_send(a), "one send in flight");
  EXPECT_DEATH(rig->detach(a), "one send in flight");
}

TEST_F(AsynchronousDoubleDeathTest, DetectsCallsForAClosingStream) {
  open();
  rig->close(a, CloseMode::orderly);
  EXPECT_DEATH(rig->set_receiving(a, true), "after close");
  EXPECT_DEATH(rig->send(a, {&chunk, 1}), "after close");
  EXPECT_DEATH(rig->close(a, CloseMode::abort), "second close");
}

TEST_F(AsynchronousDoubleDeathTest, DetectsCallsForAClosedStream) {
  EXPECT_DEATH(rig->set_receiving(a, true), "gone");
  open();
  EXPECT_DEATH(rig->open(a, unix_pair().ours), "while the stream that had it lives");
}

}  // namespace
}  // namespace evio::test
