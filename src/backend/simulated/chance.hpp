// A random number generator that depends only on its seed, or on a script, and is the same on every
// machine. It makes simulations reproducible.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {

// xoshiro256**, seeded by splitmix64. The distributions of the standard are not used, since they
// differ between libraries.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) word = split(seed);
  }

  // The first numbers are taken from the script, two bytes for each. A fuzzer supplies scripts.
  void follow(std::string script) noexcept { script_ = std::move(script); }

  std::uint64_t number() noexcept {
    if (read_ + 2 <= script_.size()) return scripted();
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  // 0 to `below` - 1; 0 for 0.
  std::uint64_t below(std::uint64_t below) noexcept { return below == 0 ? 0 : number() % below; }
  // 1 to `most`.
  std::uint64_t upto(std::uint64_t most) noexcept { return 1 + below(most); }
  bool operator()(double probability) noexcept {
    if (probability <= 0) return false;
    return static_cast<double>(number() >> 11) * 0x1p-53 < probability;
  }

 private:
  // Repeats the two bytes in all parts of the number, since some callers use the highest bits and
  // others the lowest.
  std::uint64_t scripted() noexcept {
    const auto byte = [this] {
      return std::uint64_t{static_cast<unsigned char>(script_[read_++])};
    };
    const std::uint64_t high = byte();
    return (high << 8 | byte()) * 0x0001000100010001;
  }
  static std::uint64_t split(std::uint64_t& seed) noexcept {
    std::uint64_t mixed = (seed += 0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }

  std::uint64_t state_[4];
  std::string script_;
  std::size_t read_ = 0;  // bytes of the script that were used
};

}}}  // namespace evio::v0::detail
