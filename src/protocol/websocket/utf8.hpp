// Whether text that comes in pieces is UTF-8.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

/// Notices the first byte with which the text cannot be UTF-8 any more, whatever follows.
class Utf8 {
 public:
  /// False: it is none.
  bool add(std::string_view piece) noexcept;
  /// Whether it may end here; then it begins anew.
  bool end() noexcept;

  static bool is_valid(std::string_view text) noexcept;

 private:
  bool begin_character(std::string_view bytes) noexcept;

  std::array<char, 4> begun_{};  // a character whose end is still to come
  std::size_t size_ = 0;
};

}}}  // namespace evio::v0::websocket
