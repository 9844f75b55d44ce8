#include "backend/posix/report.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>

#include "backend/posix/clock.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

std::atomic<Duration::rep> next_at{0};
std::atomic<std::uint64_t> left_out{0};

// Whether writing a short line to stderr will not block. A peer that makes handlers throw must not
// be able to stop a loop by filling a pipe.
bool would_take_it() noexcept {
  pollfd end{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  return ::poll(&end, 1, 0) == 1 && end.revents == POLLOUT;
}

}  // namespace

void report_line(std::string_view line) noexcept {
  constexpr Duration interval = std::chrono::seconds(1);
  const Duration::rep now = monotonic_now().count();
  Duration::rep due = next_at.load();
  if (now < due || !next_at.compare_exchange_strong(due, now + interval.count()) ||
      !would_take_it()) {
    left_out.fetch_add(1);
    return;
  }
  char others[64] = "";
  if (const std::uint64_t count = left_out.exchange(0); count > 0)
    std::snprintf(others, sizeof others, " (and %llu more since the last such line)",
                  static_cast<unsigned long long>(count));
  char text[1024];
  const int length =
      std::snprintf(text, sizeof text, "evio: %.*s%s\n",
                    static_cast<int>(std::min<std::size_t>(line.size(), 800)), line.data(), others);
  if (length > 0 && ::write(STDERR_FILENO, text, static_cast<std::size_t>(length)) < 0)
    left_out.fetch_add(1);
}

}}}  // namespace evio::v0::detail
