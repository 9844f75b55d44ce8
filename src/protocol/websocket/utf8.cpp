// Checks whether text that arrives in pieces is UTF-8, with UTF8-CPP.
#include "protocol/websocket/utf8.hpp"

#include <utf8.h>

#include <algorithm>

namespace evio { inline namespace v0 { namespace websocket {

namespace {

constexpr std::size_t longest = 4;  // bytes of a character

// The size that the first byte announces. An invalid first byte is found by utf8::is_valid later.
std::size_t character_size(char first) noexcept {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

// Whether these bytes can be the beginning of a character. If any continuation makes one, then so
// does the smallest or the greatest continuation byte: the excluded values (overlong forms,
// surrogates, beyond U+10FFFF) leave one end of the range.
bool may_become_character(std::string_view begun) noexcept {
  std::array<char, longest> whole{};
  const std::size_t size = character_size(begun[0]);
  return std::ranges::any_of(std::array{'\x80', '\xbf'}, [&](char fill) {
    std::ranges::fill(whole, fill);
    std::ranges::copy(begun, whole.begin());
    return utf8::is_valid(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
  });
}

bool is_ascii(std::string_view text) noexcept {
  unsigned char all = 0;  // no branch in the loop, so that the compiler can vectorize it
  for (const char each : text) all |= static_cast<unsigned char>(each);
  return all < 0x80;
}

}  // namespace

bool Utf8::is_valid(std::string_view text) noexcept {
  return is_ascii(text) || utf8::find_invalid(text.begin(), text.end()) == text.end();
}

bool Utf8::add(std::string_view piece) noexcept {
  while (size_ > 0 && !piece.empty()) {
    begun_[size_++] = piece[0];
    piece.remove_prefix(1);
    const std::string_view begun(begun_.data(), size_);
    if (size_ == character_size(begun[0])) {
      if (!is_valid(begun)) return false;
      size_ = 0;
    } else if (!may_become_character(begun)) {
      return false;
    }
  }
  if (is_ascii(piece)) return true;
  const auto* const end = piece.data() + piece.size();
  const auto* const invalid = utf8::find_invalid(piece.data(), end);
  return invalid == end || begin_character({invalid, end});
}

// Stores the end of a piece, which is not a whole character. False: it cannot become one.
bool Utf8::begin_character(std::string_view bytes) noexcept {
  if (bytes.size() >= character_size(bytes[0]) || !may_become_character(bytes)) return false;
  std::ranges::copy(bytes, begun_.begin());
  size_ = bytes.size();
  return true;
}

bool Utf8::end() noexcept {
  const bool complete = size_ == 0;
  size_ = 0;
  return complete;
}

}}}  // namespace evio::v0::websocket
