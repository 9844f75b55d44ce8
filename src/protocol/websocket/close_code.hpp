// The rules for the contents of a Close (RFC 6455, section 7.4, and the codes registered since).
#pragma once

#include <cstdint>
#include <evio/websocket/message.hpp>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

/// Whether a Close may have this code. 1005 and 1006 are for local use only: a Close with one of
/// these violates the protocol.
inline bool is_close_code(CloseCode of) noexcept {
  const auto code = static_cast<std::uint16_t>(of);
  const bool reserved = code == 1004 || code == 1005 || code == 1006;
  return (code >= 1000 && code <= 1014 && !reserved) || (code >= 3000 && code <= 4999);
}

/// Throws std::invalid_argument for a code or reason that must not be sent. `no_status` stands for
/// a Close without a code.
void check_close(CloseCode code, std::string_view reason);

}}}  // namespace evio::v0::websocket
