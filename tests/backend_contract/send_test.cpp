// What is sent arrives once and in order, from memory that stays in place exactly until the driver
// says so.
#include <algorithm>
#include <array>

#include "rig.hpp"

namespace evio::test {

using namespace detail;
namespace {

constexpr int tiny_buffer = 4096;

class Sending : public DriverContract {
 protected:
  Peer peer;

  void open(Pair pair = tcp_pair()) {
    peer = std::move(pair.peer);
    rig.open(a, pair.ours);
  }
  // Polls until the peer has so many bytes; it reads at most `most` after each poll.
  bool arrive(std::size_t size, std::size_t most = SIZE_MAX) {
    return rig.poll_until([&] { return peer.received().size() >= size; }, [&] { peer.read(most); });
  }
};
EVIO_ON_EVERY_DRIVER(Sending);

TEST_P(Sending, DeliversTheBytes) {
  open();
  rig.send(a, "hello");
  ASSERT_TRUE(arrive(5));
  EXPECT_EQ(peer.received(), "hello");
}

TEST_P(Sending, DeliversEverythingInOrderToASlowReader) {
  for (const bool local : {false, true}) {
    Rig own(GetParam());
    Pair pair = local ? unix_pair() : tcp_pair(tiny_buffer);
    own.open(a, pair.ours);
    const std::string bytes = pattern(1 * mib);
    own.send(a, bytes, 1000);
    ASSERT_TRUE(own.poll_until([&] { return pair.peer.received().size() == bytes.size(); },
                               [&] { pair.peer.read(10'000); }));
    EXPECT_TRUE(same_bytes(pair.peer.received(), bytes));
    own.poll_until_idle();
    EXPECT_EQ(own.unsent(a), 0U) << "the counts add up";
  }
}

TEST_P(Sending, SuccessiveSendsKeepTheOrder) {
  open(tcp_pair(tiny_buffer));
  std::string all;
  for (unsigned i = 0; i < 100; ++i) {
    all += pattern(5000, i);
    rig.send(a, pattern(5000, i), 777);
    rig.poll(Duration::zero());
    peer.read(3000);
  }
  ASSERT_TRUE(arrive(all.size()));
  EXPECT_TRUE(same_bytes(peer.received(), all));
}

// More than one system call takes, with nothing in between.
TEST_P(Sending, TakesAnyNumberOfChunks) {
  open();
  const std::string bytes = pattern(300 * 7);
  rig.send(a, bytes, 7);
  ASSERT_TRUE(arrive(bytes.size()));
  EXPECT_TRUE(same_bytes(peer.received(), bytes));
}

TEST_P(Sending, SendNowReportsWhatItSentAndRetainsNothing) {
  open(tcp_pair(tiny_buffer));
  std::string expected;
  for (unsigned i = 0; i < 200; ++i) {
    std::string first = pattern(300, i), second = pattern(500, i + 1000);
    const std::string both = first + second;
    const std::array<Chunk, 2> chunks{Chunk{first.data(), first.size()},
                                      Chunk{second.data(), second.size()}};
    const std::size_t taken = rig->send_now(a, chunks);
    ASSERT_LE(taken, both.size());
    expected += both.substr(0, taken);
    std::fill(first.begin(), first.end(), '#');
    std::fill(second.begin(), second.end(), '#');
    rig.poll(Duration::zero());
    peer.read(600);
  }
  rig.poll_until_idle();
  ASSERT_TRUE(arrive(expected.size()));
  rig.poll_until_idle();
  peer.read();
  EXPECT_TRUE(same_bytes(peer.received(), expected));
}

TEST_P(Sending, SendsAfterSendNowFollowIt) {
  open(tcp_pair(tiny_buffer));
  const std::string now = pattern(100 * kib, 1), later = pattern(100 * kib, 2);
  const Chunk chunk{now.data(), now.size()};
  const std::size_t taken = rig->send_now(a, {&chunk, 1});
  rig.send(a, now.substr(taken));
  rig.send(a, later);
  ASSERT_TRUE(arrive(now.size() + later.size()));
  EXPECT_TRUE(same_bytes(peer.received(), now + later));
}

TEST_P(Sending, WorksInBothDirectionsAtOnce) {
  open(tcp_pair(tiny_buffer));
  rig->set_receiving(a, true);
  const std::string there = pattern(500 * kib, 1), back = pattern(500 * kib, 2);
  rig.send(a, there);
  std::size_t sent = 0;
  ASSERT_TRUE(rig.poll_until(
      [&] {
        return peer.received().size() == there.size() && rig[a].received.size() == back.size();
      },
      [&] {
        peer.read(20'000);
        sent += peer.send(std::string_view(back).substr(sent));
      }));
  EXPECT_TRUE(same_bytes(peer.received(), there));
  EXPECT_TRUE(same_bytes(rig[a].received, back));
}

TEST_P(Sending, APeerThatDoesNotReadCostsNothing) {
  open(tcp_pair(tiny_buffer));
  rig.send(a, pattern(1 * mib));
  rig.poll_until_idle();
  EXPECT_GT(rig.unsent(a), 0U);
  const Rig::Cost cost = rig.idle_for(100ms);
  EXPECT_LE(cost.polls, 5);
  EXPECT_LT(cost.processor, 50ms);
}

TEST_P(Sending, APeerThatDoesNotReadDoesNotDelayOthers) {
  open(tcp_pair(tiny_buffer));
  Pair other = tcp_pair();
  rig.open(b, other.ours);
  rig.send(a, pattern(1 * mib));
  rig.poll_until_idle();
  rig.send(b, pattern(1 * mib));
  EXPECT_TRUE(rig.poll_until([&] { return other.peer.received().size() == 1 * mib; },
                             [&] { other.peer.read(); }));
}

TEST_P(Sending, ReceivingContinuesWhileAPeerDoesNotRead) {
  open(tcp_pair(tiny_buffer));
  rig.send(a, pattern(1 * mib));
  rig->set_receiving(a, true);
  peer.send("still here");
  EXPECT_TRUE(rig.poll_until([&] { return rig[a].received == "still here"; }));
}

TEST_P(Sending, TheEndFollowsAllBytes) {
  open(tcp_pair(tiny_buffer));
  const std::string bytes = pattern(300 * kib);
  rig.send(a, bytes);
  ASSERT_TRUE(rig.poll_until([&] { return rig.unsent(a) == 0; }, [&] { peer.read(10'000); }));
  rig->shutdown_send(a);
  ASSERT_TRUE(rig.poll_until([&] { return peer.ended(); }, [&] { peer.read(10'000); }));
  EXPECT_TRUE(same_bytes(peer.received(), bytes));
  rig->set_receiving(a, true);
  peer.send("the other direction goes on");
  EXPECT_TRUE(rig.poll_until([&] { return !rig[a].received.empty(); }));
}

TEST_P(Sending, ToAPeerThatIsGoneClosesTheStreamWithAnError) {
  for (Pair (*pair)() : {+[] { return tcp_pair(); }, unix_pair}) {
    Rig own(GetParam());
    Pair made = pair();
    own.open(a, made.ours);
    made.peer.close();
    ASSERT_TRUE(own.poll_until([&] { return own[a].closed.has_value(); },
                               [&] {
                                 if (!own[a].closed) own.send(a, pattern(1000));
                               }));
    EXPECT_TRUE(*own[a].closed);
  }
}

TEST_P(Sending, IsDrainedWhenTheKernelHoldsNoBytes) {
  open(tcp_pair(tiny_buffer));
  EXPECT_TRUE(rig->is_drained(a));
  peer.send("unread");
  rig.poll_until_idle();
  EXPECT_FALSE(rig->is_drained(a));
  rig->set_receiving(a, true);
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].received == "unread"; }));
  EXPECT_TRUE(rig.poll_until([&] { return rig->is_drained(a); }));
  rig.send(a, pattern(100 * kib));
  rig.poll_until_idle();
  EXPECT_FALSE(rig->is_drained(a));
  ASSERT_TRUE(arrive(100 * kib));
  EXPECT_TRUE(rig.poll_until([&] { return rig->is_drained(a); }));
}

}  // namespace
}  // namespace evio::test
