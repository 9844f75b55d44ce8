// Redis's patterns: * any text, ? any byte, [a-z] a byte of a set, [^a-z] a byte outside it, \ the
// next byte literally.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace redis {

/// Matches texts as Redis does, but never backtracks beyond the last *, and can be interrupted at
/// any byte: a hostile pattern costs at most the product of both sizes, and only its sender waits.
class Glob {
 public:
  explicit Glob(std::string pattern) : pattern_(std::move(pattern)) {}

  /// Starts with another text.
  void restart() noexcept { state_ = {}; }

  /// Whether the pattern matches the text; empty if `steps` were used up before that is known: then
  /// call it again.
  std::optional<bool> match(std::string_view text, std::size_t& steps) noexcept {
    if (pattern_ == "*") return true;
    if (text.empty()) return pattern_.empty();
    for (; steps > 0; --steps) {
      const bool more = state_.next < pattern_.size();
      if (state_.at == text.size() && !state_.in_set) {
        if (!more || pattern_[state_.next] != '*') return !more;
        ++state_.next;
      } else if (!more && state_.star == pattern_.size()) {
        return true;
      } else if (!(state_.in_set ? step_in_set(text[state_.at]) : more && step(text[state_.at])) &&
                 !go_back()) {
        return false;
      }
    }
    return {};
  }

 private:
  struct State {
    std::size_t next = 0;                       // position in the pattern
    std::size_t at = 0;                         // position in the text
    std::size_t star = std::string_view::npos;  // position after the last * in the pattern
    std::size_t retry = 0;                      // where that * ends in the text
    bool in_set = false, negated = false, hit = false;
  };

  // Each step returns false if the pattern cannot match this way.
  bool step(char c) noexcept {
    char wanted = pattern_[state_.next++];
    switch (wanted) {
      case '*':
        state_.star = state_.next;
        state_.retry = state_.at;
        return true;
      case '?':
        ++state_.at;
        return true;
      case '[':
        state_.in_set = true;
        state_.hit = false;
        state_.negated = state_.next < pattern_.size() && pattern_[state_.next] == '^';
        state_.next += state_.negated;
        return true;
      case '\\':
        if (state_.next < pattern_.size()) wanted = pattern_[state_.next++];
        [[fallthrough]];
      default:
        ++state_.at;
        return wanted == c;
    }
  }

  bool step_in_set(char c) noexcept {
    const std::string_view rest = std::string_view(pattern_).substr(state_.next);
    if (rest.empty() || rest[0] == ']') {
      state_.in_set = false;
      state_.next += !rest.empty();
      ++state_.at;
      return state_.hit != state_.negated;
    }
    if (rest[0] == '\\' && rest.size() >= 2) {
      state_.hit |= rest[1] == c;
      state_.next += 2;
    } else if (rest.size() >= 3 && rest[1] == '-') {
      const auto byte = [](char one) {
        return static_cast<signed char>(one);
      };  // the order of Redis on most machines
      const auto [low, high] = std::minmax({byte(rest[0]), byte(rest[2])});
      state_.hit |= low <= byte(c) && byte(c) <= high;
      state_.next += 3;
    } else {
      state_.hit |= rest[0] == c;
      ++state_.next;
    }
    return true;
  }

  // Extends the last * by one byte.
  bool go_back() noexcept {
    if (state_.star == std::string_view::npos) return false;
    state_.next = state_.star;
    state_.at = ++state_.retry;
    state_.in_set = false;
    return true;
  }

  std::string pattern_;
  State state_;
};

}  // namespace redis
