// The balancer: each strategy chooses exactly the specified loops.
#include "balance.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace evio::test {

using namespace detail;
namespace {

Address peer(const char* host, int port) {
  return Address::parse(std::string("tcp://") + host + ":" + std::to_string(port));
}

std::vector<int> picks(Balancer& balancer, int count) {
  std::vector<int> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(balancer.pick(peer("10.0.0.1", i)));
    balancer.add(all.back());
  }
  return all;
}

TEST(Balancer, RoundRobinCyclesThroughTheLoops) {
  const Balance balance = LoadBalance::round_robin;
  Balancer balancer(balance, 3, [] { return 0U; });
  EXPECT_EQ(picks(balancer, 7), (std::vector<int>{0, 1, 2, 0, 1, 2, 0}));
}

TEST(Balancer, LeastConnectionsFillsTheEmptiest) {
  const Balance balance = LoadBalance::least_connections;
  Balancer balancer(balance, 3, [] { return 0U; });
  EXPECT_EQ(picks(balancer, 4), (std::vector<int>{0, 1, 2, 0}));
  balancer.remove(1);
  EXPECT_EQ(balancer.pick(peer("10.0.0.1", 1)), 1);
}

TEST(Balancer, SourceHashKeepsAHostTogether) {
  const Balance balance = LoadBalance::source_hash;
  Balancer balancer(balance, 8, [] { return 0U; });
  const int loop = balancer.pick(peer("10.0.0.1", 1));
  for (int port = 2; port < 100; ++port) EXPECT_EQ(balancer.pick(peer("10.0.0.1", port)), loop);
  bool spread = false;
  for (int host = 2; host < 100; ++host)
    spread |= balancer.pick(peer(("10.0.0." + std::to_string(host)).c_str(), 1)) != loop;
  EXPECT_TRUE(spread);
}

TEST(Balancer, RandomUsesThePlatformsNumbers) {
  const Balance balance = LoadBalance::random;
  std::uint64_t number = 0;
  Balancer balancer(balance, 4, [&] { return number++; });
  EXPECT_EQ(picks(balancer, 5), (std::vector<int>{0, 1, 2, 3, 0}));
}

TEST(Balancer, AFunctionReceivesLoadsAndPeer) {
  const Balance balance = [](std::span<const LoopLoad> loads, const Address& from) {
    return loads[0].connections + from.port();
  };
  Balancer balancer(balance, 4, [] { return 0U; });
  balancer.add(0);
  EXPECT_EQ(balancer.pick(peer("10.0.0.1", 6)), 3);
}

}  // namespace
}  // namespace evio::test
