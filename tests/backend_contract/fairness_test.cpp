// Each stream gets a bounded share of a turn, however much it could bring or take.
#include <algorithm>

#include "rig.hpp"

namespace evio::test {

using namespace detail;
namespace {

constexpr std::size_t share_max = 1 * mib;  // of one stream in one turn

class Fairness : public DriverContract {};
EVIO_ON_EVERY_DRIVER(Fairness);

TEST_P(Fairness, AFloodingStreamDoesNotStarveAnother) {
  Pair flood = tcp_pair(), drop = tcp_pair();
  rig.open(a, flood.ours);
  rig.open(b, drop.ours);
  for (const StreamId stream : {a, b}) rig->set_receiving(stream, true);
  const std::string bytes = pattern(1 * mib);
  std::size_t turns = 0;
  for (std::size_t drops = 1; drops <= 50; ++drops) {
    drop.peer.send("x");
    while (rig[b].received.size() < drops) {
      flood.peer.send(bytes);
      const std::size_t before = rig[a].received.size();
      rig.poll(10ms);
      EXPECT_LE(rig[a].received.size() - before, share_max);
      ASSERT_LT(++turns, 5000U);
    }
  }
  EXPECT_GT(rig[a].received.size(), 0U);
}

TEST_P(Fairness, FloodingStreamsGetEqualShares) {
  constexpr unsigned count = 24;  // more than some drivers have buffers
  std::vector<Peer> peers;
  for (unsigned i = 0; i < count; ++i) {
    Pair pair = unix_pair();
    peers.push_back(std::move(pair.peer));
    rig.open(StreamId{i}, pair.ours);
    rig->set_receiving(StreamId{i}, true);
  }
  const std::string bytes = pattern(32 * kib);
  const auto sizes = [&] {
    std::vector<std::size_t> all;
    for (unsigned i = 0; i < count; ++i) all.push_back(rig[StreamId{i}].received.size());
    return all;
  };
  // The first ones are waited for by their share, not by their number.
  ASSERT_TRUE(rig.poll_until([&] { return std::ranges::max(sizes()) > 2 * mib; },
                             [&] {
                               for (Peer& peer : peers)
                                 while (peer.send(bytes) > 0) {
                                 }
                             }));
  EXPECT_GT(std::ranges::min(sizes()), std::ranges::max(sizes()) / 4);
}

TEST_P(Fairness, ChattyStreamsGetEqualShares) {
  constexpr unsigned count = 40;  // more than some drivers have buffers
  std::vector<Peer> peers;
  for (unsigned i = 0; i < count; ++i) {
    Pair pair = tcp_pair();
    peers.push_back(std::move(pair.peer));
    rig.open(StreamId{i}, pair.ours);
    rig->set_receiving(StreamId{i}, true);
  }
  const std::string bytes = pattern(1000);
  const auto turn = [&] {
    for (unsigned i = 0; i < count; ++i) peers[i].send(bytes);
  };
  ASSERT_TRUE(
      rig.poll_until([&] { return rig[StreamId{0}].received.size() > 500 * bytes.size(); }, turn));
  std::vector<std::size_t> sizes;
  for (unsigned i = 0; i < count; ++i) sizes.push_back(rig[StreamId{i}].received.size());
  EXPECT_GT(static_cast<double>(std::ranges::min(sizes)),
            0.8 * static_cast<double>(std::ranges::max(sizes)));
}

TEST_P(Fairness, AStreamThatReceivesWhileItSendsDoesNotStarveAnother) {
  Pair sink = tcp_pair(), drop = tcp_pair();
  rig.open(a, sink.ours);
  rig.open(b, drop.ours);
  rig->set_receiving(b, true);
  const std::string bytes = pattern(100 * kib);
  rig.script = [&](const Up& up) {
    if (up.is(Up::sent, a)) rig.send(a, bytes);
  };
  rig.send(a, bytes);
  std::size_t turns = 0;
  for (std::size_t drops = 1; drops <= 50; ++drops) {
    drop.peer.send("x");
    while (rig[b].received.size() < drops) {
      sink.peer.read();
      rig.poll(10ms);
      ASSERT_LT(++turns, 5000U);
    }
  }
}

}  // namespace
}  // namespace evio::test
