// Sums of times and delays without overflow: users may set a delay to the largest Duration.
#pragma once

#include <evio/duration.hpp>

namespace evio { inline namespace v0 { namespace detail {

/// `time` must not be negative.
constexpr Duration saturating_sum(Duration time, Duration delay) noexcept {
  return delay < Duration::max() - time ? time + delay : Duration::max();
}

}}}  // namespace evio::v0::detail
