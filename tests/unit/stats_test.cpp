#include <gtest/gtest.h>

#include <evio/error.hpp>
#include <evio/stats.hpp>
#include <set>
#include <string>

namespace evio { namespace {

TEST(CloseReason, HasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < close_reason_count; ++i)
    names.insert(name_of(static_cast<CloseReason>(i)));
  EXPECT_EQ(names.size(), close_reason_count);
  EXPECT_EQ(name_of(CloseReason::orderly), "orderly");
  EXPECT_EQ(name_of(CloseReason::idle_timeout), "idle_timeout");
}

TEST(CloseReason, IsDerivedFromTheErrorOfClosed) {
  EXPECT_EQ(close_reason_of({}), CloseReason::orderly);
  EXPECT_EQ(close_reason_of(Errc::idle_timeout), CloseReason::idle_timeout);
  EXPECT_EQ(close_reason_of(Errc::input_overflow), CloseReason::input_overflow);
  EXPECT_EQ(close_reason_of(Errc::output_overflow), CloseReason::output_overflow);
  EXPECT_EQ(close_reason_of(Errc::connect_timeout), CloseReason::connect_timeout);
  EXPECT_EQ(close_reason_of(Errc::drain_timeout), CloseReason::drain_timeout);
  EXPECT_EQ(close_reason_of(Errc::handler_failed), CloseReason::handler_failed);
  EXPECT_EQ(close_reason_of(Errc::name_not_found), CloseReason::name_not_found);
  EXPECT_EQ(close_reason_of(Errc::frame_too_large), CloseReason::frame_too_large);
  EXPECT_EQ(close_reason_of(Errc::bad_frame), CloseReason::bad_frame);
  EXPECT_EQ(close_reason_of(Errc::first_bytes_timeout), CloseReason::first_bytes_timeout);
  EXPECT_EQ(close_reason_of(Errc::slow_reader), CloseReason::slow_reader);
  EXPECT_EQ(close_reason_of(std::make_error_code(std::errc::connection_reset)), CloseReason::reset);
  EXPECT_EQ(close_reason_of(std::make_error_code(std::errc::broken_pipe)), CloseReason::reset);
  EXPECT_EQ(close_reason_of(std::make_error_code(std::errc::connection_refused)),
            CloseReason::other);
  EXPECT_EQ(close_reason_of(static_cast<Errc>(1000)), CloseReason::other);
}

TEST(LagHistogram, HasBoundsThatDouble) {
  EXPECT_EQ(LagHistogram::bound(0), std::chrono::microseconds(8));
  for (std::size_t i = 1; i < LagHistogram::bound_count; ++i)
    EXPECT_EQ(LagHistogram::bound(i), 2 * LagHistogram::bound(i - 1));
}

}  // namespace
}  // namespace evio
