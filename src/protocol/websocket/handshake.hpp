// The keys of the opening handshake (RFC 6455, section 4), and which settings can be.
#pragma once

#include <evio/websocket/settings.hpp>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

/// Whether it stands for 16 bytes, in base64.
bool is_key(std::string_view key);
std::string new_key();
/// Sec-WebSocket-Accept for that key.
std::string accept_of(std::string_view key);

bool is_token(std::string_view text) noexcept;

/// Throws std::invalid_argument for what cannot be kept or written into a handshake.
void check(const Settings& settings);

}}}  // namespace evio::v0::websocket
