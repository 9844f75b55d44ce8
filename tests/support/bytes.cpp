#include "bytes.hpp"

#include <algorithm>
#include <cstdint>

namespace evio::test {

std::string pattern(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  std::uint64_t group = std::uint64_t{seed} << 40;
  for (std::size_t at = 0; at < size; at += 8, ++group)
    for (std::size_t i = 0; i < 8 && at + i < size; ++i)
      bytes[at + i] = static_cast<char>('!' + ((group >> (6 * i)) & 63));
  return bytes;
}

testing::AssertionResult is_prefix(std::string_view actual, std::string_view expected) {
  const std::size_t common = std::min(actual.size(), expected.size());
  const auto differ = std::mismatch(
      actual.begin(), actual.begin() + static_cast<std::ptrdiff_t>(common), expected.begin());
  const auto at = static_cast<std::size_t>(differ.first - actual.begin());
  if (at < common)
    return testing::AssertionFailure()
           << "byte " << at << " of " << actual.size() << " differs: got \""
           << actual.substr(at, 32) << "\", expected \"" << expected.substr(at, 32) << '"';
  if (actual.size() > expected.size())
    return testing::AssertionFailure() << actual.size() << " bytes, at most " << expected.size()
                                       << " expected; more: \"" << actual.substr(common, 32) << '"';
  return testing::AssertionSuccess();
}

testing::AssertionResult same_bytes(std::string_view actual, std::string_view expected) {
  if (actual == expected) return testing::AssertionSuccess();
  auto prefix = is_prefix(actual, expected);
  if (!prefix) return prefix;
  return testing::AssertionFailure() << actual.size() << " of " << expected.size() << " bytes";
}

}  // namespace evio::test
