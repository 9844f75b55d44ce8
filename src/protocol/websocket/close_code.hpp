// Private. What a Close may say (RFC 6455, section 7.4, and the codes registered since).
#pragma once

#include <cstdint>
#include <string_view>

namespace evio::inline v1::websocket {

inline bool is_close_code(std::uint16_t code) noexcept {
  const bool reserved = code == 1004 || code == 1005 || code == 1006;
  return (code >= 1000 && code <= 1014 && !reserved) || (code >= 3000 && code <= 4999);
}

/// Throws std::invalid_argument for what must not be sent.
void check_close(std::uint16_t code, std::string_view reason);

}  // namespace evio::inline v1::websocket
