// The keys of the opening handshake, with SHA-1 and base64 of Nettle.
#include "protocol/websocket/handshake.hpp"

#include <nettle/base64.h>
#include <nettle/sha1.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <stdexcept>

#include "protocol/websocket/beast_text.hpp"

namespace evio { inline namespace v0 { namespace websocket {

namespace {

constexpr std::size_t key_bytes = 16;

std::string base64(const std::uint8_t* bytes, std::size_t size) {
  std::string text(BASE64_ENCODE_RAW_LENGTH(size), '\0');
  nettle_base64_encode_raw(text.data(), size, bytes);
  return text;
}

// Control characters, a line's end among them, would let a value begin a field of its own.
bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

// Whether the client writes the field itself, or the field would announce a body, which a handshake
// does not have.
bool is_own_field(std::string_view name) {
  constexpr std::string_view prefix = "sec-websocket-";
  constexpr std::array<std::string_view, 5> names{"host", "connection", "upgrade", "content-length",
                                                  "transfer-encoding"};
  return iequals(name.substr(0, prefix.size()), prefix) ||
         std::ranges::any_of(names, [&](std::string_view each) { return iequals(each, name); });
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.find(c) != marks.npos;
  });
}

// Decoded completely: a key of the right length may still not be base64.
bool is_key(std::string_view key) {
  if (key.size() != BASE64_ENCODE_RAW_LENGTH(key_bytes)) return false;
  std::array<std::uint8_t, BASE64_DECODE_LENGTH(BASE64_ENCODE_RAW_LENGTH(key_bytes))> bytes;
  std::size_t size = bytes.size();
  base64_decode_ctx context;
  nettle_base64_decode_init(&context);
  return nettle_base64_decode_update(&context, &size, bytes.data(), key.size(), key.data()) == 1 &&
         nettle_base64_decode_final(&context) == 1 && size == key_bytes;
}

std::string new_key() {
  std::random_device random;
  std::array<std::uint8_t, key_bytes> bytes;
  std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
  return base64(bytes.data(), bytes.size());
}

std::string accept_of(std::string_view key) {
  // The constant of RFC 6455, section 1.3.
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  sha1_ctx context;
  nettle_sha1_init(&context);
  nettle_sha1_update(&context, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()));
  std::array<std::uint8_t, SHA1_DIGEST_SIZE> digest;
  nettle_sha1_digest(&context, digest.size(), digest.data());
  return base64(digest.data(), digest.size());
}

void check(const Settings& settings) {
  const auto refuse = [](const std::string& why) { throw std::invalid_argument("evio: " + why); };
  if (settings.deflate && (settings.deflate->window_bits < 9 || settings.deflate->window_bits > 15))
    refuse("window_bits of permessage-deflate is 9 to 15, not " +
           std::to_string(settings.deflate->window_bits));
  const auto check_time = [&](Duration time, const char* field) {
    if (time < Duration::zero())
      refuse(std::string("websocket::Settings::") + field + " is negative");
  };
  check_time(settings.handshake_timeout, "handshake_timeout");
  check_time(settings.close_timeout, "close_timeout");
  check_time(settings.ping_interval, "ping_interval");
  for (const std::string& protocol : settings.protocols)
    if (!is_token(protocol)) refuse("not a valid WebSocket protocol: \"" + protocol + "\"");
  for (const auto& [name, value] : settings.fields)
    if (is_own_field(name) || !is_token(name) || !is_field_value(value))
      refuse(std::string("not a valid field: \"").append(name).append("\": \"").append(value) +
             '"');
}

}}}  // namespace evio::v0::websocket
