// When something last happened, in four bytes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <evio/duration.hpp>

namespace evio { inline namespace v0 { namespace detail {

/// In milliseconds, which tell times apart that are less than 24 days old; what is older must have
/// been aged before that, and is kept in seconds. Rounded up, so that nothing looks older than it
/// is.
class Stamp {
 public:
  /// Whoever keeps stamps ages them all at least this often.
  static constexpr Duration aging = std::chrono::hours(24 * 6);

  Stamp() = default;
  explicit Stamp(Duration time) noexcept
      : bits_(static_cast<std::uint32_t>(time / ms(1) + 1) & value_mask) {}

  /// The time that it stands for, at most a millisecond after `now`, which must be less than 24
  /// days later.
  Duration time(Duration now) const noexcept {
    if (bits_ & in_seconds) return std::chrono::seconds(bits_ & value_mask);
    const std::int64_t last = now / ms(1) + 1;
    return ms(last -
              static_cast<std::int64_t>((static_cast<std::uint32_t>(last) - bits_) & value_mask));
  }

  /// The same in `now`, when it was last looked at `before`.
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
