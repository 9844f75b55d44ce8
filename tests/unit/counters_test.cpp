#include "counters.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace evio {

using namespace detail;
namespace {

using namespace std::chrono_literals;

// The bucket in which a lag is counted.
std::size_t bucket_of(Duration lag) {
  LagCounter counter;
  counter.add(lag);
  LagHistogram counted;
  counter.add_to(counted);
  EXPECT_EQ(counted.count(), 1U);
  return static_cast<std::size_t>(std::find(counted.counts.begin(), counted.counts.end(), 1U) -
                                  counted.counts.begin());
}

TEST(LagCounter, CountsABoundInItsOwnBucket) {
  for (std::size_t i = 0; i < LagHistogram::bound_count; ++i) {
    EXPECT_EQ(bucket_of(LagHistogram::bound(i)), i);
    EXPECT_EQ(bucket_of(LagHistogram::bound(i) + 1ns), i + 1);
  }
}

TEST(LagCounter, AcceptsAnyDuration) {
  EXPECT_EQ(bucket_of(0ns), 0U);
  EXPECT_EQ(bucket_of(1ns), 0U);
  EXPECT_EQ(bucket_of(-1ns), 0U) << "as none";
  EXPECT_EQ(bucket_of(Duration::max()), LagHistogram::bound_count);
}

RC_GTEST_PROP(LagCounter, FindsTheFirstBoundThatIsNotLess, ()) {
  const auto lag = Duration(*rc::gen::inRange<Duration::rep>(0, Duration(20s).count()));
  const std::size_t bucket = bucket_of(lag);
  if (bucket < LagHistogram::bound_count) RC_ASSERT(lag <= LagHistogram::bound(bucket));
  if (bucket > 0) RC_ASSERT(lag > LagHistogram::bound(bucket - 1));
}

TEST(LagCounter, AddsOtherCounters) {
  LagCounter counter;
  counter.add(3us);
  counter.add(1s);
  LagHistogram lag;
  counter.add_to(lag);
  counter.add_to(lag);
  EXPECT_EQ(lag.sum, 2 * (1s + 3us));
  EXPECT_EQ(lag.count(), 4U);
}

TEST(Counters, SumsUpWhatBelongsTogether) {
  Counters one, other;
  one.opened.add(5);
  one.closed_by[static_cast<std::size_t>(CloseReason::orderly)].add(2);
  one.closed_by[static_cast<std::size_t>(CloseReason::reset)].add(1);
  one.output_pending.set(100);
  one.output_held.set(120);
  one.input_held.set(10);
  other.opened.add(1);
  other.output_pending.set(1000);
  other.output_held.set(1200);
  Stats stats;
  one.add_to(stats);
  other.add_to(stats);
  EXPECT_EQ(stats.open, 3U);
  EXPECT_EQ(stats.closed, 3U);
  EXPECT_EQ(stats.closed_as(CloseReason::orderly), 2U);
  EXPECT_EQ(stats.closed_as(CloseReason::reset), 1U);
  EXPECT_EQ(stats.memory, 1330U);
  EXPECT_EQ(stats.output_pending, 1100U);
}

TEST(Counters, NeverHaveFewerThanNoConnections) {
  Counters counters;
  counters.closed_by[0].add(1);  // as a reader may see it between the two updates
  Stats stats;
  counters.add_to(stats);
  EXPECT_EQ(stats.open, 0U);
}

}  // namespace
}  // namespace evio
