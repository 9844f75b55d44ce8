// The kernel's monotonic clock, and the times that system calls wait.
#pragma once

#include <algorithm>
#include <chrono>
#include <climits>
#include <evio/duration.hpp>

namespace evio { inline namespace v0 { namespace detail {

inline Duration monotonic_now() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch();
}

// The time to wait until the deadline. Negative: without a limit.
inline Duration time_until(Duration deadline) noexcept {
  if (deadline == Duration::max()) return Duration(-1);
  if (deadline <= Duration::zero()) return Duration::zero();
  return std::max(deadline - monotonic_now(), Duration::zero());
}

// The timeout for poll(2) and epoll_wait(2): rounded up, so that waits do not end early. -1:
// without a limit.
inline int milliseconds(Duration timeout) noexcept {
  if (timeout < Duration::zero()) return -1;
  const auto count = timeout / std::chrono::milliseconds(1) +
                     (timeout % std::chrono::milliseconds(1) != Duration::zero());
  return count > INT_MAX ? INT_MAX : static_cast<int>(count);
}

}}}  // namespace evio::v0::detail
