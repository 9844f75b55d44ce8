// on_closed is called once and last; only then may the stream's memory be freed.
#include <fcntl.h>

#include "rig.hpp"

namespace evio::test {

using namespace detail;
namespace {

class Closing : public DriverContract {
 protected:
  Peer peer;

  void open(Pair pair = tcp_pair()) {
    peer = std::move(pair.peer);
    rig.open(a, pair.ours);
  }
  bool closed() {
    return rig.poll_until([&] { return rig[a].closed.has_value(); });
  }
};
EVIO_ON_EVERY_DRIVER(Closing);

TEST_P(Closing, OrderlyEndsThePeersReading) {
  open();
  rig->set_receiving(a, true);
  rig.send(a, "goodbye");
  ASSERT_TRUE(rig.poll_until([&] { return peer.received() == "goodbye"; }, [&] { peer.read(); }));
  rig.close(a);
  ASSERT_TRUE(closed());
  EXPECT_FALSE(*rig[a].closed);
  peer.read();
  EXPECT_TRUE(peer.ended() && !peer.reset_seen());
}

TEST_P(Closing, ByAbortResetsThePeer) {
  open();
  rig.send(a, pattern(100 * kib));
  rig.poll_until_idle();
  rig.close(a, CloseMode::abort);
  ASSERT_TRUE(closed());
  EXPECT_FALSE(*rig[a].closed);
  peer.read();
  EXPECT_TRUE(peer.reset_seen());
}

TEST_P(Closing, IsNotDoneInsideTheCall) {
  open();
  rig.poll(Duration::zero());
  rig.close(a);
  EXPECT_FALSE(rig[a].closed);
  ASSERT_TRUE(closed());
}

TEST_P(Closing, WorksBeforeTheFirstPoll) {
  open();
  peer.send("unheard");
  rig->set_receiving(a, true);
  rig.close(a);
  ASSERT_TRUE(closed());
  EXPECT_EQ(rig[a].received, "");
}

// The bytes are overwritten as soon as on_closed is called: the overwritten bytes must not arrive.
TEST_P(Closing, DropsTheSendInFlight) {
  for (const CloseMode mode : {CloseMode::orderly, CloseMode::abort}) {
    Rig own(GetParam());
    Pair pair = tcp_pair(4096);
    own.open(a, pair.ours);
    const std::string bytes = pattern(1 * mib);
    own.send(a, bytes);
    own.poll_until_idle();
    EXPECT_GT(own.unsent(a), 0U);
    own.close(a, mode);
    ASSERT_TRUE(own.poll_until([&] { return own[a].closed.has_value(); }));
    EXPECT_FALSE(*own[a].closed);
    own.poll_until_idle();
    pair.peer.read();
    EXPECT_TRUE(is_prefix(pair.peer.received(), bytes));
  }
}

TEST_P(Closing, NothingIsReportedAfterwards) {
  open();
  rig->set_receiving(a, true);
  peer.send(pattern(50 * kib));
  peer.shutdown_write();
  rig.send(a, pattern(50 * kib));
  rig.script = [&](const Up& up) {
    if (up.kind != Up::received) return;
    rig.close(a);
    rig.script = nullptr;
  };
  ASSERT_TRUE(closed());
  rig.poll_until_idle();  // a late up call would fail in the rig
}

TEST_P(Closing, KeepsTheSocketUntilOnClosedReturns) {
  open();
  const int fd = static_cast<int>(rig->native(a).value);
  const Address own = rig->local_address(a);
  EXPECT_NE(own.port(), 0);
  rig.script = [&](const Up&) {
    EXPECT_EQ(rig->native(a).value, fd);
    EXPECT_EQ(rig->local_address(a), own);
  };
  rig.close(a);
  ASSERT_TRUE(closed());
  EXPECT_LT(::fcntl(fd, F_GETFD), 0) << "then it is closed";
}

TEST_P(Closing, WorksForManyStreamsAtOnce) {
  std::vector<Peer> peers;
  for (unsigned i = 0; i < 100; ++i) {
    Pair pair = tcp_pair();
    peers.push_back(std::move(pair.peer));
    rig.open(StreamId{i}, pair.ours);
    rig->set_receiving(StreamId{i}, i % 2 == 0);
    peers.back().send("bytes");
  }
  rig.script = [&](const Up& up) {
    if (up.kind != Up::received) return;
    rig.script = nullptr;
    for (unsigned i = 0; i < 100; ++i)
      rig.close(StreamId{i}, i % 3 == 0 ? CloseMode::abort : CloseMode::orderly);
  };
  for (unsigned i = 0; i < 100; ++i)
    ASSERT_TRUE(rig.poll_until([&] { return rig[StreamId{i}].closed.has_value(); }));
}

TEST_P(Closing, OfAStreamThatIsResetAtTheSameTimeIsReportedOnce) {
  open();
  rig->set_receiving(a, true);
  rig.poll(Duration::zero());
  peer.reset();
  rig.close(a);
  ASSERT_TRUE(closed());
  rig.poll_until_idle();
}

// A stream's id may be reused once on_closed has returned, even in the same batch. Events of the
// first stream must not be reported for the second.
TEST_P(Closing, AStreamIdReusedInTheSameBatchReportsNothingStale) {
  for (int i = 0; i < 20; ++i) {
    Pair first = tcp_pair(), other = tcp_pair(), second = tcp_pair();
    const StreamId name{10}, beside{11};
    rig.open(name, first.ours);
    rig.open(beside, other.ours);
    for (const StreamId stream : {name, beside}) rig->set_receiving(stream, true);
    first.peer.send("stale");
    first.peer.shutdown_write();
    other.peer.send("stale");
    second.peer.send("fresh");
    rig.close(name);
    rig.close(beside);
    bool reused = false;
    const auto reuse = [&] {
      rig.open(name, second.ours);
      rig->set_receiving(name, true);
      reused = true;
    };
    rig.script = [&](const Up& up) {
      if (up.is(Up::closed, beside) && rig[name].closed) reuse();
    };
    ASSERT_TRUE(rig.poll_until([&] { return rig[beside].closed && (reused || rig[name].closed); }));
    rig.script = nullptr;
    if (!reused) reuse();
    ASSERT_TRUE(rig.poll_until([&] { return rig[name].received.size() >= 5; }));
    rig.poll_until_idle();
    EXPECT_EQ(rig[name].received, "fresh");
    EXPECT_FALSE(rig[name].ended);
    rig.close(name);
    ASSERT_TRUE(rig.poll_until([&] { return rig[name].closed.has_value(); }));
  }
}

}  // namespace
}  // namespace evio::test
