// A time stamp of four bytes: exact for days, and to the second for years.
#include "stamp.hpp"

#include <gtest/gtest.h>

namespace evio::test {

using namespace detail;
namespace {

using namespace std::chrono_literals;

TEST(Stamp, IsExactToTheMillisecondForDays) {
  for (const Duration time :
       {Duration(0), Duration(1ms), Duration(24h * 24), Duration(24h * 24 * 365 * 200)})
    for (const Duration later : {Duration(0), Duration(500us), Duration(1s), Duration(24h * 24)}) {
      const Duration stood_for = Stamp(time).time(time + later);
      EXPECT_GT(stood_for, time);
      EXPECT_LE(stood_for, time + 1ms);
    }
}

TEST(Stamp, IsNeverOlderThanTheTruthHoweverLongItIsAged) {
  const Duration time = 24h * 400 + 123'456us;
  Stamp stamp(time);
  for (Duration before = time, now; before < time + 24h * 365 * 40; before = now) {
    now = before + Stamp::aging;
    stamp.age(before, now);
    ASSERT_GT(stamp.time(now), time);
    ASSERT_LE(stamp.time(now), time + 2s);
  }
}

TEST(Stamp, IsAgedAfterASleepOfYears) {
  Stamp stamp(5s);
  stamp.age(6s, 24h * 365 * 10);
  EXPECT_LE(stamp.time(24h * 365 * 10), 7s);
}

TEST(Stamp, IsResetByActivity) {
  Stamp stamp(5s);
  stamp.age(6s, 24h * 100);
  stamp = Stamp(24h * 100);
  EXPECT_EQ(stamp.time(24h * 100 + 1s), 24h * 100 + 1ms);
}

}  // namespace
}  // namespace evio::test
