// Detaching returns the socket as if the driver had never owned it: blocking, with all unreported
// bytes still unread.
#include <fcntl.h>

#include "rig.hpp"

namespace evio::test {

using namespace detail;
namespace {

class Detaching : public DriverContract {
 protected:
  Peer peer;

  void open(Pair pair = tcp_pair()) {
    peer = std::move(pair.peer);
    rig.open(a, pair.ours);
  }
  bool detached() {
    return rig.poll_until([&] { return rig[a].gone(); }) && rig[a].detached.has_value();
  }
  // What can still be read from the socket until the peer's end.
  std::string rest() {
    std::string bytes;
    char part[4096];
    while (const std::size_t count = rig[a].detached->read(part, sizeof part))
      bytes.append(part, count);
    return bytes;
  }
};
EVIO_ON_EVERY_DRIVER(Detaching);

TEST_P(Detaching, GivesABlockingUsableSocket) {
  open();
  rig.poll(Duration::zero());
  rig.detach(a);
  EXPECT_FALSE(rig[a].detached) << "not inside the call";
  ASSERT_TRUE(detached());
  EXPECT_FALSE(::fcntl(rig[a].detached->fd(), F_GETFL) & O_NONBLOCK);
  rig[a].detached->write("from the user");
  peer.read();
  EXPECT_EQ(peer.received(), "from the user");
  peer.send("to the user");
  peer.shutdown_write();
  EXPECT_EQ(rest(), "to the user");
}

TEST_P(Detaching, UnreceivedBytesStayInTheSocket) {
  open();
  peer.send("unheard");
  peer.shutdown_write();
  rig.poll_until_idle();
  rig.detach(a);
  ASSERT_TRUE(detached());
  EXPECT_EQ(rest(), "unheard");
}

TEST_P(Detaching, InTheMiddleOfReceivingLosesNothing) {
  for (int i = 0; i < 10; ++i) {
    open();
    const std::string bytes = pattern(200 * kib);
    std::size_t sent = peer.send(bytes);
    rig->set_receiving(a, true);
    rig.script = [&](const Up& up) {
      if (up.kind != Up::received) return;
      rig.detach(a);
      rig->set_receiving(a, false);
      rig.script = nullptr;
    };
    ASSERT_TRUE(detached());
    peer.shutdown_write();
    EXPECT_TRUE(same_bytes(rig[a].received + rest(), std::string_view(bytes).substr(0, sent)));
  }
}

TEST_P(Detaching, NothingIsReportedAfterwards) {
  open();
  rig->set_receiving(a, true);
  rig.detach(a);
  ASSERT_TRUE(detached());
  peer.send("for the user");
  rig.poll_until_idle();  // a late up call would fail in the rig
  EXPECT_LE(rig.idle_for(50ms).polls, 5);
  peer.shutdown_write();
  EXPECT_EQ(rest(), "for the user");
}

TEST_P(Detaching, FollowsWhatWasSent) {
  open(tcp_pair(4096));
  const std::string bytes = pattern(200 * kib);
  rig.send(a, bytes);
  ASSERT_TRUE(rig.poll_until([&] { return rig.unsent(a) == 0; }, [&] { peer.read(10'000); }));
  rig.detach(a);
  ASSERT_TRUE(detached());
  rig[a].detached->write(" and more");
  rig[a].detached.reset();
  ASSERT_TRUE(rig.poll_until([&] { return peer.ended(); }, [&] { peer.read(); }));
  EXPECT_TRUE(same_bytes(peer.received(), bytes + " and more"));
}

TEST_P(Detaching, WorksAfterShutdownSend) {
  open();
  rig->shutdown_send(a);
  rig.detach(a);
  ASSERT_TRUE(detached());
  peer.read();
  EXPECT_TRUE(peer.ended());
  peer.send("the other direction");
  peer.shutdown_write();
  EXPECT_EQ(rest(), "the other direction");
}

TEST_P(Detaching, WorksBeforeTheFirstPoll) {
  open();
  rig.detach(a);
  EXPECT_TRUE(detached());
}

TEST_P(Detaching, OfAResetStreamIsReportedOnce) {
  open();
  rig->set_receiving(a, true);
  rig.poll_until_idle();
  peer.reset();
  rig.detach(a);
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].gone(); }));
  rig.poll_until_idle();
}

TEST_P(Detaching, ALaterCloseIsObeyed) {
  open();
  rig.poll(Duration::zero());
  rig.detach(a);
  rig.close(a, CloseMode::abort);
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].gone(); }));
  EXPECT_TRUE(rig[a].closed && !*rig[a].closed);
  peer.read();
  EXPECT_TRUE(peer.reset_seen());
}

// This holds even if both are reported in the same batch.
TEST_P(Detaching, ACloseInTheSamePollIsObeyed) {
  Pair first = tcp_pair(), second = tcp_pair();
  rig.open(a, first.ours);
  rig.open(b, second.ours);
  rig.script = [&](const Up& up) {
    if (up.is(Up::closed, a) && !rig[b].gone()) rig.close(b);
  };
  rig.close(a);
  rig.detach(b);
  ASSERT_TRUE(rig.poll_until([&] {
    return rig[a].gone() && rig[b].gone();
  }));  // a report of detached after close would fail in the rig
}

TEST_P(Detaching, LeavesTheAddressAvailable) {
  open();
  const Address own = rig->local_address(a);
  EXPECT_NE(own.port(), 0);
  rig.script = [&](const Up&) { EXPECT_EQ(rig->local_address(a), own); };
  rig.detach(a);
  EXPECT_TRUE(detached());
}

}  // namespace
}  // namespace evio::test
