// Small things that Redis does with text.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace redis {

/// ASCII capitals made small; nothing else changes.
inline std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return small;
}

/// Whether a word, in any mixture of cases, is `small`, which has no capitals.
inline bool is(std::string_view word, std::string_view small) {
  const auto same = [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a + ('a' - 'A') == b); };
  return word.size() == small.size() && std::equal(word.begin(), word.end(), small.begin(), same);
}

/// A 64-bit number written in the one way that Redis accepts: no blank, no '+', no leading zero, no "-0".
inline std::optional<std::int64_t> to_integer(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return {};
  const bool padded = text.front() == '0' ? text.size() > 1 : text.starts_with("-0");
  return padded ? std::nullopt : std::optional(value);
}

/// Up to the first NUL and at most `size_max` bytes: what Redis quotes of a client's words in its error texts.
inline std::string_view quoted(std::string_view text, std::size_t size_max = std::string_view::npos) {
  return text.substr(0, std::min(text.find('\0'), size_max));
}

}  // namespace redis
