// Checks whether text that arrives in pieces is UTF-8.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

/// A check that fails at the first byte after which the text cannot become valid UTF-8, whatever
/// follows. So a message with invalid text is refused before it is complete (RFC 6455,
/// section 8.1).
class Utf8 {
 public:
  /// Adds the next piece. False: the text is not UTF-8.
  bool add(std::string_view piece) noexcept;
  /// Returns whether the text may end here, and begins another text.
  bool end() noexcept;

  /// Returns whether a whole text is UTF-8.
  static bool is_valid(std::string_view text) noexcept;

 private:
  bool begin_character(std::string_view bytes) noexcept;

  std::array<char, 4> begun_{};  // a character of which only the beginning has arrived
  std::size_t size_ = 0;         // its bytes so far
};

}}}  // namespace evio::v0::websocket
