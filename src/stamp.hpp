// A point in time in four bytes, for the last activity of each connection.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <evio/duration.hpp>

namespace evio { inline namespace v0 { namespace detail {

/// It counts milliseconds, which wrap around after 24 days. Before that, age() must be called,
/// which converts old stamps to seconds. Times are rounded up, so that an event never appears to be
/// older than it is and no timeout ends early.
class Stamp {
 public:
  /// The owner of stamps must age all of them at least this often.
  static constexpr Duration aging = std::chrono::hours(24 * 6);

  Stamp() = default;
  explicit Stamp(Duration time) noexcept
      : bits_(static_cast<std::uint32_t>(time / ms(1) + 1) & value_mask) {}

  /// The time that it represents. `now` must be less than 24 days later. The result may be up to a
  /// millisecond after `now`.
  Duration time(Duration now) const noexcept {
    if (bits_ & in_seconds) return std::chrono::seconds(bits_ & value_mask);
    const std::int64_t last = now / ms(1) + 1;
    return ms(last -
              static_cast<std::int64_t>((static_cast<std::uint32_t>(last) - bits_) & value_mask));
  }

  /// Converts the stamp to seconds if it is old. `before` is the time of the previous batch, at
  /// which the stamp was still in the range of milliseconds.
  void age(Duration before, Duration now) noexcept {
    const Duration at = time(before);
    if ((bits_ & in_seconds) || now - at < aging) return;
    const auto seconds = at / std::chrono::seconds(1) + 1;
    bits_ = in_seconds | static_cast<std::uint32_t>(std::min<std::int64_t>(seconds, value_mask));
  }

 private:
  using ms = std::chrono::milliseconds;
  static constexpr std::uint32_t in_seconds = 1u << 31;
  static constexpr std::uint32_t value_mask = in_seconds - 1;

  std::uint32_t bits_ = 0;
};

}}}  // namespace evio::v0::detail
