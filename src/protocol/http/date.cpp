// Times as HTTP writes them.
#include "protocol/http/date.hpp"

#include <array>
#include <cstdio>

namespace evio::inline v1::http {

namespace {

constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string date_text(std::chrono::sys_seconds time) {
  using namespace std::chrono;
  const sys_days day = floor<std::chrono::days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char text[64];
  const int size =
      std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT", days[weekday(day).c_encoding()],
                    static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                    static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
                    static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return {text, static_cast<std::size_t>(size)};
}

std::optional<std::chrono::sys_seconds> parse_date(std::string_view text) {
  using namespace std::chrono;
  const std::string copy(text);
  char month_name[4] = {};
  unsigned day = 0;
  int year_number = 0, hour = 0, minute = 0, second = 0, read = 0;
  const int found = std::sscanf(copy.c_str(), "%*3s, %2u %3s %4d %2d:%2d:%2d GMT%n", &day, month_name, &year_number,
                                &hour, &minute, &second, &read);
  if (found != 6 || static_cast<std::size_t>(read) != text.size()) return std::nullopt;
  for (unsigned month_number = 1; month_number <= months.size(); ++month_number) {
    if (std::string_view(months[month_number - 1]) != month_name) continue;
    const year_month_day date = year(year_number) / month(month_number) / std::chrono::day(day);
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    return sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  }
  return std::nullopt;
}

}  // namespace evio::inline v1::http
