// The times at which a loop did not ask the kernel: from when a deadline counts, with bounded
// memory.
#include "stalls.hpp"

#include <gtest/gtest.h>

namespace evio::test {

using namespace detail;
namespace {

using namespace std::chrono_literals;

TEST(Stalls, ATimeWithinAStallCountsFromItsEnd) {
  Stalls stalls;
  stalls.add(10ms, 15ms);
  stalls.add(20ms, 40ms);
  EXPECT_EQ(stalls.counted_from(9ms), 9ms);
  EXPECT_EQ(stalls.counted_from(10ms), 15ms);
  EXPECT_EQ(stalls.counted_from(15ms), 15ms);
  EXPECT_EQ(stalls.counted_from(17ms), 17ms);
  EXPECT_EQ(stalls.counted_from(39ms), 40ms);
  EXPECT_EQ(stalls.counted_from(Duration::max()), Duration::max());
}

TEST(Stalls, ReportTheirShareOfAnInterval) {
  Stalls stalls;
  stalls.add(10ms, 15ms);
  stalls.add(20ms, 40ms);
  EXPECT_EQ(stalls.since(0ms), 25ms);
  EXPECT_EQ(stalls.since(12ms), 23ms);
  EXPECT_EQ(stalls.since(16ms), 20ms);
  EXPECT_EQ(stalls.since(Duration::max()), 0ms);
}

TEST(Stalls, ShortStallsAreIgnored) {
  Stalls stalls;
  stalls.add(10ms, 12ms - 1ns);
  EXPECT_EQ(stalls.counted_from(11ms), 11ms);
}

// However many stalls there are, the time that they add to a deadline is bounded.
TEST(Stalls, NeitherForgetNorGrowWithoutBound) {
  Stalls stalls;
  constexpr Duration each = 10ms, end = 5min;
  for (Duration begin = 0ms; begin < end; begin += each) stalls.add(begin, begin + each);
  for (Duration age = 20ms; age < end; age *= 2) {
    const Duration time = end - age;
    const Duration counted = stalls.counted_from(time);
    EXPECT_GE(counted, time);
    EXPECT_LE(counted - time, std::max<Duration>(age / 2, each)) << age.count();
  }
  stalls.add(end + 1h, end + 2h);
  for (int i = 0; i < 1000; ++i) stalls.add(end + 3h + i * 20ms, end + 3h + i * 20ms + each);
  EXPECT_GE(stalls.counted_from(end + 1h), end + 2h) << "a long one stays";
}

}  // namespace
}  // namespace evio::test
