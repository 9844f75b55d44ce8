// Parses requests: RESP2 arrays of bulk strings, and inline commands.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text.hpp"

namespace redis {

/// The words of a request, in the input buffer. The first names the command.
class Words {
 public:
  struct Place {
    std::uint32_t begin, size;
  };

  Words(const char* base, std::span<const Place> places) : base_(base), places_(places) {}

  std::size_t size() const noexcept { return places_.size(); }
  std::string_view operator[](std::size_t i) const noexcept {
    return {base_ + places_[i].begin, places_[i].size};
  }

 private:
  const char* base_;
  std::span<const Place> places_;
};

/// Parses one request after another. It records its position, so that each byte is examined once in
/// however many pieces it arrives.
class Request {
 public:
  enum class State { incomplete, complete, invalid };

  /// Continues in `input`, which begins with the request's first byte and has grown since the last
  /// call.
  State parse(std::string_view input) {
    if (input.front() != '*') return parse_inline(input);
    if (at_ == 0) {
      const auto count =
          number(input, '*', "too big mbulk count string", "invalid multibulk length");
      if (!count) return state_;
      if (*count > INT32_MAX) return fail("invalid multibulk length");
      missing_ = *count;
    }
    for (; missing_ > 0; --missing_) {
      if (!bulk_) {
        const auto size = number(input, '$', "too big bulk count string", "invalid bulk length");
        if (!size) return state_;
        if (*size < 0 || *size > bulk_max) return fail("invalid bulk length");
        bulk_ = static_cast<std::uint32_t>(*size);
      }
      if (input.size() - at_ < *bulk_ + 2) return State::incomplete;
      places_.push_back({static_cast<std::uint32_t>(at_), *bulk_});
      at_ += *bulk_ + 2;
      bulk_.reset();
    }
    return State::complete;
  }

  /// The words of a complete request; empty for an empty line or array. Valid as long as the input,
  /// and until reset().
  Words words(std::string_view input) const {
    return {input.front() == '*' ? input.data() : unquoted_.data(), places_};
  }
  /// The number of input bytes of a complete request.
  std::size_t size() const noexcept { return at_; }
  /// The error of an invalid request, in Redis's words.
  const std::string& problem() const noexcept { return problem_; }

  /// Starts with the next request; keeps the memory of small requests only.
  void reset() noexcept {
    at_ = 0;
    places_.clear();
    if (places_.capacity() > 64) places_ = {};
    if (unquoted_.capacity() > 1024) unquoted_ = {};
  }

 private:
  static constexpr std::size_t line_max = 64 << 10;
  static constexpr std::size_t read_size =
      16 << 10;  // Redis reads this much at a time and then checks the length
  static constexpr std::int64_t bulk_max = 512 << 20;

  State parse_inline(std::string_view input) {
    auto line = next_line(input, '\n', "too big inline request");
    if (!line) return state_;
    at_ = line->size() + 1;
    if (line->ends_with('\r')) line->remove_suffix(1);
    return unquote(*line) ? State::complete : fail("unbalanced quotes in request");
  }

  // Parses the number of a line such as "$3\r\n" at at_ and moves at_ after it.
  std::optional<std::int64_t> number(std::string_view input, char type, const char* too_long,
                                     const char* invalid) {
    // Nearly all lines are short and complete: these are parsed in one pass.
    const std::string_view text = input.substr(at_, 10);
    std::size_t end = 1;
    std::uint32_t value = 0;
    for (; end < text.size() && text[end] >= '0' && text[end] <= '9'; ++end)
      value = value * 10 + static_cast<std::uint32_t>(text[end] - '0');
    if (end == 1 || end + 1 >= text.size() || text[end] != '\r' || text[0] != type ||
        (text[1] == '0' && end > 2))
      return any_number(input, type, too_long, invalid);
    at_ += end + 2;
    return value;
  }
  std::optional<std::int64_t> any_number(std::string_view input, char type, const char* too_long,
                                         const char* invalid) {
    const auto line = next_line(input, '\r', too_long);
    if (!line) return {};
    if (input[at_] != type) {
      fail(std::string("expected '") + type + "', got '" + input[at_] + "'");
      return {};
    }
    const auto value = to_integer(line->substr(1));
    if (value)
      at_ += line->size() + 2;
    else
      fail(invalid);
    return value;
  }

  // The line from at_ up to `last`; after a '\r' the next byte must have arrived, too. As in Redis
  // a NUL hides the rest.
  std::optional<std::string_view> next_line(std::string_view input, char last,
                                            const char* too_long) {
    std::size_t end = at_;
    while (end < input.size() && input[end] != last && input[end] != '\0') ++end;
    const bool found = end < input.size() && input[end] == last;
    state_ = State::incomplete;
    if (found ? end - at_ >= line_max + read_size : input.size() - at_ > line_max)
      fail(too_long);
    else if (found && (last == '\n' || end + 1 < input.size()))
      return input.substr(at_, end - at_);
    return {};
  }

  // Splits an inline command into words. False if a quote is not closed or is followed by text.
  bool unquote(std::string_view line) {
    const auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    unquoted_.clear();
    for (std::size_t i = 0;;) {
      while (i < line.size() && blank(line[i])) ++i;
      if (i == line.size()) return true;
      const auto begin = static_cast<std::uint32_t>(unquoted_.size());
      for (; i < line.size() && !(blank(line[i]) && line[i] != '\v' && line[i] != '\f'); ++i) {
        if (line[i] != '"' && line[i] != '\'') {
          unquoted_ += line[i];
        } else {
          i = close_quote(line, i);
          if (i == line.size()) return false;
          if (++i < line.size() && !blank(line[i])) return false;
          break;
        }
      }
      places_.push_back({begin, static_cast<std::uint32_t>(unquoted_.size()) - begin});
    }
  }

  // The position at which the quote opened at `i` closes, or the line's size.
  std::size_t close_quote(std::string_view line, std::size_t i) {
    const char quote = line[i++];
    for (; i < line.size() && line[i] != quote; ++i) {
      const std::string_view rest = line.substr(i);
      if (quote == '\'' && rest.starts_with("\\'")) {
        unquoted_ += line[++i];
      } else if (quote == '"' && rest.size() > 1 && rest[0] == '\\') {
        i += unescape(rest.substr(1));
      } else {
        unquoted_ += line[i];
      }
    }
    return i;
  }

  // Decodes an escape sequence in double quotes; returns its length.
  std::size_t unescape(std::string_view text) {
    unsigned char byte = 0;
    if (text[0] == 'x' && text.size() >= 3 &&
        std::from_chars(&text[1], &text[1] + 2, byte, 16).ptr == &text[1] + 2) {
      unquoted_ += static_cast<char>(byte);
      return 3;
    }
    static constexpr std::string_view names = "nrtba", meanings = "\n\r\t\b\a";
    const std::size_t i = names.find(text[0]);
    unquoted_ += i == names.npos ? text[0] : meanings[i];
    return 1;
  }

  State fail(std::string problem) {
    problem_ = std::move(problem);
    return state_ = State::invalid;
  }

  std::size_t at_ = 0;                 // position of the parser
  std::int64_t missing_ = 0;           // words that have not arrived
  std::optional<std::uint32_t> bulk_;  // the size of the next word, once it is known
  std::vector<Words::Place> places_;
  std::string unquoted_;  // the words of an inline command
  std::string problem_;
  State state_ = State::incomplete;
};

}  // namespace redis
