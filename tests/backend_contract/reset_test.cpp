// A reset ends a stream in every state; a hang-up without an error ends nothing, and neither costs
// processor time.
#include "rig.hpp"

namespace evio::test {

using namespace detail;
namespace {

class Resets : public DriverContract {
 protected:
  Peer peer;

  void open(Pair pair = tcp_pair()) {
    peer = std::move(pair.peer);
    rig.open(a, pair.ours);
  }
  // Expects that the stream is closed once, with an error, and that nothing follows.
  void expect_reset() { expect_reset(a); }
  void expect_reset(StreamId stream) {
    ASSERT_TRUE(rig.poll_until([&] { return rig[stream].closed.has_value(); }));
    EXPECT_TRUE(*rig[stream].closed == std::errc::connection_reset ||
                *rig[stream].closed == std::errc::broken_pipe)
        << *rig[stream].closed;
    rig.poll_until_idle();
  }
  void expect_no_cost() {
    const Rig::Cost cost = rig.idle_for(100ms);
    EXPECT_LE(cost.polls, 5);
    EXPECT_LT(cost.processor, 50ms);
  }
};
EVIO_ON_EVERY_DRIVER(Resets);

TEST_P(Resets, AreReportedWhileReceiving) {
  open();
  rig->set_receiving(a, true);
  rig.poll_until_idle();
  peer.reset();
  expect_reset();
}

TEST_P(Resets, AreReportedBeforeReceivingStarted) {
  open();
  rig.poll_until_idle();
  peer.reset();
  expect_reset();
}

TEST_P(Resets, AreReportedAfterReceivingStopped) {
  open();
  rig->set_receiving(a, true);
  peer.send("first");
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].received == "first"; }));
  rig->set_receiving(a, false);
  rig.poll_until_idle();
  peer.reset();
  expect_reset();
}

TEST_P(Resets, AreReportedWithUnreceivedBytes) {
  open();
  peer.send("unheard");
  rig.poll_until_idle();
  peer.reset();
  expect_reset();
}

// A receive that starts when both the bytes and the reset have arrived must not stop after the
// bytes.
TEST_P(Resets, AreReportedAfterBytesThatPrecedeReceiving) {
  for (const auto& [stream, size] : {std::pair(a, 1U), std::pair(b, 4096U), std::pair(c, 10000U)}) {
    Pair pair = tcp_pair();
    pair.peer.send(pattern(size));
    pair.peer.reset();
    rig.open(stream, pair.ours);
    rig->set_receiving(stream, true);
    expect_reset(stream);
    EXPECT_TRUE(is_prefix(rig[stream].received, pattern(size)));
  }
}

TEST_P(Resets, AreReportedAfterThePeersEnd) {
  open();
  rig->set_receiving(a, true);
  peer.shutdown_write();
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].ended; }));
  rig.poll_until_idle();
  peer.reset();
  expect_reset();
}

TEST_P(Resets, AreReportedAfterAnUnreceivedEnd) {
  open();
  peer.shutdown_write();
  rig.poll_until_idle();
  peer.reset();
  expect_reset();
}

TEST_P(Resets, AreReportedAfterShutdownSend) {
  open();
  rig->shutdown_send(a);
  rig.poll_until_idle();
  peer.reset();
  expect_reset();
}

TEST_P(Resets, AreReportedWhileASendIsInFlight) {
  for (const bool receiving : {false, true}) {
    Rig own(GetParam());
    Pair pair = tcp_pair(4096);
    own.open(a, pair.ours);
    own->set_receiving(a, receiving);
    own.send(a, pattern(1 * mib));
    own.poll_until_idle();
    pair.peer.reset();
    ASSERT_TRUE(own.poll_until([&] { return own[a].closed.has_value(); }));
    EXPECT_TRUE(*own[a].closed);
    own.poll_until_idle();
  }
}

TEST_P(Resets, AreReportedWhileASendIsInFlightAfterThePeersEnd) {
  open(tcp_pair(4096));
  rig->set_receiving(a, true);
  rig.send(a, pattern(1 * mib));
  peer.shutdown_write();
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].ended; }));
  rig.poll_until_idle();
  peer.reset();
  expect_reset();
}

TEST_P(Resets, LeaveTheAddressAvailable) {
  open();
  const Address own = rig->local_address(a);
  EXPECT_NE(own.port(), 0);
  rig.script = [&](const Up&) { EXPECT_EQ(rig->local_address(a), own); };
  peer.reset();
  expect_reset();
}

TEST_P(Resets, DoNotAffectOtherStreams) {
  open();
  Pair other = tcp_pair();
  rig.open(b, other.ours);
  rig->set_receiving(b, true);
  peer.reset();
  expect_reset();
  other.peer.send("still here");
  EXPECT_TRUE(rig.poll_until([&] { return rig[b].received == "still here"; }));
}

// The peer has gone without an error: its bytes and its end wait until they are received.
TEST_P(Resets, AHangUpWithoutAnErrorWaitsAndCostsNothing) {
  open(unix_pair());
  rig.poll_until_idle();
  peer.send("last words");
  peer.close();
  rig.poll_until_idle();
  expect_no_cost();
  EXPECT_FALSE(rig[a].closed);
  rig->set_receiving(a, true);
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].ended; }));
  EXPECT_EQ(rig[a].received, "last words");
  rig.poll_until_idle();
  expect_no_cost();
  EXPECT_FALSE(rig[a].closed);
}

TEST_P(Resets, BothEndsWithoutAnErrorWaitAndCostNothing) {
  open();
  rig->shutdown_send(a);
  peer.send("last words");
  peer.shutdown_write();
  rig.poll_until_idle();
  expect_no_cost();
  rig->set_receiving(a, true);
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].ended; }));
  EXPECT_EQ(rig[a].received, "last words");
  rig.poll_until_idle();
  expect_no_cost();
}

TEST_P(Resets, AHangUpWithReceivingStoppedAndStartedLosesNothing) {
  open(unix_pair());
  const std::string bytes = pattern(100 * kib);
  EXPECT_EQ(peer.send(bytes), bytes.size());
  peer.close();
  int round = 0;
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].ended; },
                             [&] {
                               if (!rig[a].ended) rig->set_receiving(a, ++round % 3 == 0);
                             }));
  EXPECT_TRUE(same_bytes(rig[a].received, bytes));
}

}  // namespace
}  // namespace evio::test
