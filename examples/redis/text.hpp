// The text functions that Redis's commands need.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace redis {

/// Converts ASCII letters to lower case, or to upper case; other bytes stay.
inline std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return small;
}

inline std::string upper(std::string_view text) {
  std::string large(text);
  for (char& c : large)
    if (c >= 'a' && c <= 'z') c -= 'a' - 'A';
  return large;
}

/// Whether a word equals `small`, which is in lower case, regardless of case.
inline bool is(std::string_view word, std::string_view small) {
  const auto same = [](char a, char b) {
    return a == b || (a >= 'A' && a <= 'Z' && a + ('a' - 'A') == b);
  };
  return word.size() == small.size() && std::equal(word.begin(), word.end(), small.begin(), same);
}

/// Parses a 64-bit number in the only form that Redis accepts: without a blank, a '+', a leading
/// zero or "-0".
inline std::optional<std::int64_t> to_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(negative);
  if (text == "0") return 0;
  if (digits.empty() || digits[0] == '0' || digits.size() > 19)
    return {};  // 19 digits always fit into 64 bits
  std::uint64_t value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > std::uint64_t{INT64_MAX} + negative) return {};
  return static_cast<std::int64_t>(negative ? 0 - value : value);
}

/// The bytes up to the first NUL, at most `size_max`: what Redis quotes of a client's words in its
/// error texts.
inline std::string_view quoted(std::string_view text,
                               std::size_t size_max = std::string_view::npos) {
  return text.substr(0, std::min(text.find('\0'), size_max));
}

}  // namespace redis
