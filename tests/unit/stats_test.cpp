#include <gtest/gtest.h>

#include <evio/error.hpp>
#include <evio/stats.hpp>
#include <set>
#include <string>

namespace evio {
namespace {

TEST(Ending, HasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ending_count; ++i) names.insert(name_of(static_cast<Ending>(i)));
  EXPECT_EQ(names.size(), ending_count);
  EXPECT_EQ(name_of(Ending::orderly), "orderly");
  EXPECT_EQ(name_of(Ending::idle_timeout), "idle_timeout");
}

TEST(Ending, IsFoundByWhatClosedIsTold) {
  EXPECT_EQ(ending_of({}), Ending::orderly);
  EXPECT_EQ(ending_of(Errc::idle_timeout), Ending::idle_timeout);
  EXPECT_EQ(ending_of(Errc::input_overflow), Ending::input_overflow);
  EXPECT_EQ(ending_of(Errc::output_overflow), Ending::output_overflow);
  EXPECT_EQ(ending_of(Errc::connect_timeout), Ending::connect_timeout);
  EXPECT_EQ(ending_of(Errc::drain_timeout), Ending::drain_timeout);
  EXPECT_EQ(ending_of(Errc::handler_failed), Ending::handler_failed);
  EXPECT_EQ(ending_of(Errc::name_not_found), Ending::name_not_found);
  EXPECT_EQ(ending_of(Errc::frame_too_large), Ending::frame_too_large);
  EXPECT_EQ(ending_of(Errc::bad_frame), Ending::bad_frame);
  EXPECT_EQ(ending_of(Errc::first_bytes_timeout), Ending::first_bytes_timeout);
  EXPECT_EQ(ending_of(Errc::slow_reader), Ending::slow_reader);
  EXPECT_EQ(ending_of(std::make_error_code(std::errc::connection_reset)), Ending::reset);
  EXPECT_EQ(ending_of(std::make_error_code(std::errc::broken_pipe)), Ending::reset);
  EXPECT_EQ(ending_of(std::make_error_code(std::errc::connection_refused)), Ending::other);
  EXPECT_EQ(ending_of(static_cast<Errc>(1000)), Ending::other);
}

TEST(LagHistogram, HasBoundsThatDouble) {
  EXPECT_EQ(LagHistogram::bound(0), std::chrono::microseconds(8));
  for (std::size_t i = 1; i < LagHistogram::bound_count; ++i)
    EXPECT_EQ(LagHistogram::bound(i), 2 * LagHistogram::bound(i - 1));
}

}  // namespace
}  // namespace evio
