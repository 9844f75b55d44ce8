// Duration: the type of every delay, period and deadline.
#pragma once

#include <chrono>

namespace evio { inline namespace v0 {

/// A length of time in nanoseconds. Every coarser std::chrono duration converts to it:
/// `std::chrono::seconds(5)`, or with std::chrono_literals `250ms`.
using Duration = std::chrono::nanoseconds;

}}  // namespace evio::v0
