// Test data that shows whether a byte was lost, duplicated or moved.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace evio::test {

inline constexpr std::size_t kib = std::size_t{1} << 10;
inline constexpr std::size_t mib = std::size_t{1} << 20;

/// `size` bytes in which every group of eight differs from all others; another `seed` gives other
/// bytes.
std::string pattern(std::size_t size, unsigned seed = 0);

/// Whether both are equal; a failure names the first difference, because gtest's own comparison
/// would print megabytes.
testing::AssertionResult same_bytes(std::string_view actual, std::string_view expected);

/// Whether `expected` begins with `actual`.
testing::AssertionResult is_prefix(std::string_view actual, std::string_view expected);

}  // namespace evio::test
