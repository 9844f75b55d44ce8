// The unit of every delay, period and deadline.
#pragma once

#include <chrono>

namespace evio { inline namespace v0 {

/// A length of time. Any chrono duration converts to it: `std::chrono::seconds(5)`, `250ms`.
using Duration = std::chrono::nanoseconds;

}}  // namespace evio::v0
