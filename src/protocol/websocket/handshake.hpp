// The keys of the opening handshake (RFC 6455, section 4), and the check of the settings.
#pragma once

#include <evio/websocket/settings.hpp>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

/// Whether the text is a valid Sec-WebSocket-Key: 16 bytes in base64.
bool is_key(std::string_view key);
/// Makes a random Sec-WebSocket-Key.
std::string new_key();
/// Returns the Sec-WebSocket-Accept for a key.
std::string accept_of(std::string_view key);

/// Whether the text is a token of HTTP (RFC 9110, section 5.6.2).
bool is_token(std::string_view text) noexcept;

/// Throws std::invalid_argument for settings that are not valid. Fields and protocols are checked
/// here, because they are written into the handshake as they are.
void check(const Settings& settings);

}}}  // namespace evio::v0::websocket
