// Formats and parses HTTP dates, without the locale, which would translate the names.
#include "protocol/http/date.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace evio { inline namespace v0 { namespace http {

namespace {

constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string date_text(std::chrono::sys_seconds time) {
  const std::chrono::sys_days day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[64];
  const int size = std::snprintf(
      text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT",
      days[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
      months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return {text, static_cast<std::size_t>(size)};
}

namespace {

struct Parts {
  unsigned day = 0;
  char month[4] = {};
  int year = 0, hour = 0, minute = 0, second = 0;
};

// The three forms of RFC 9110, section 5.6.7. The name of the day is not checked: it is redundant.
std::optional<Parts> parts_of(const std::string& text) {
  Parts in;
  int read = 0;
  const auto whole = [&](int found) {
    return found == 6 && static_cast<std::size_t>(read) == text.size();
  };
  if (whole(std::sscanf(text.c_str(), "%*3[A-Za-z], %2u %3s %4d %2d:%2d:%2d GMT%n", &in.day,
                        in.month, &in.year, &in.hour, &in.minute, &in.second, &read)))
    return in;
  if (whole(std::sscanf(text.c_str(), "%*9[A-Za-z], %2u-%3s-%2d %2d:%2d:%2d GMT%n", &in.day,
                        in.month, &in.year, &in.hour, &in.minute, &in.second, &read))) {
    in.year += in.year < 70 ? 2000 : 1900;  // RFC 850 has two digits
    return in;
  }
  if (whole(std::sscanf(text.c_str(), "%*3[A-Za-z] %3s %2u %2d:%2d:%2d %4d%n", in.month, &in.day,
                        &in.hour, &in.minute, &in.second, &in.year, &read)))
    return in;
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_date(std::string_view text) {
  using std::chrono::hours, std::chrono::minutes, std::chrono::seconds, std::chrono::sys_days;
  const auto in = parts_of(std::string(text));
  if (!in) return std::nullopt;
  const auto found = std::ranges::find(months, std::string_view(in->month));
  const auto number = static_cast<unsigned>(found - months.begin()) + 1;
  const auto date =
      std::chrono::year(in->year) / std::chrono::month(number) / std::chrono::day(in->day);
  // 60 is a leap second.
  const bool in_range = in->year >= 0 && in->hour >= 0 && in->hour <= 23 && in->minute >= 0 &&
                        in->minute <= 59 && in->second >= 0 && in->second <= 60;
  if (!date.ok() || !in_range) return std::nullopt;
  return sys_days(date) + hours(in->hour) + minutes(in->minute) + seconds(in->second);
}

}}}  // namespace evio::v0::http
