// What a Close may say (RFC 6455, section 7.4, and the codes registered since).
#pragma once

#include <cstdint>
#include <evio/websocket/message.hpp>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

inline bool is_close_code(CloseCode of) noexcept {
  const auto code = static_cast<std::uint16_t>(of);
  const bool reserved = code == 1004 || code == 1005 || code == 1006;
  return (code >= 1000 && code <= 1014 && !reserved) || (code >= 3000 && code <= 4999);
}

/// Throws std::invalid_argument for what must not be sent.
void check_close(CloseCode code, std::string_view reason);

}}}  // namespace evio::v0::websocket
