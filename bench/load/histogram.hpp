// Counts durations in buckets that are 1.6 % wide, from a nanosecond to an hour.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace load {

class Histogram {
 public:
  void add(double seconds) {
    const auto ns = seconds > 0 ? static_cast<std::uint64_t>(seconds * 1e9) : 0;
    ++buckets_[bucket(ns)];
    ++total_;
  }

  // The duration in microseconds that `share` (0 to 1) of all do not exceed.
  double percentile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      if ((seen += buckets_[i]) > wanted || seen == total_)
        return static_cast<double>(upper(i)) / 1000;
    return 0;
  }

  std::uint64_t total() const { return total_; }

 private:
  static constexpr unsigned bits = 6;  // 64 buckets for each doubling

  static std::size_t bucket(std::uint64_t ns) {
    if (ns < (1U << bits)) return ns;
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - bits - 1;
    return ((std::size_t{shift} + 1) << bits) + ((ns >> shift) - (1U << bits));
  }
  static std::uint64_t upper(std::size_t bucket) {
    if (bucket < (1U << bits)) return bucket;
    const std::size_t shift = (bucket >> bits) - 1;
    return ((bucket & ((1U << bits) - 1)) + (1U << bits) + 1) << shift;
  }

  std::array<std::uint64_t, std::size_t{37} << bits> buckets_{};
  std::uint64_t total_ = 0;
};

}  // namespace load
