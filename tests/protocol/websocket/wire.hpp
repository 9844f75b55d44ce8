// Makes WebSocket frames, and parses those that a peer received.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace evio::test {

/// The handshake request without the empty line at its end.
inline constexpr std::string_view handshake =
    "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

inline constexpr unsigned fin = 0x80, rsv1 = 0x40, rsv2 = 0x20;
inline constexpr unsigned continuation = 0, text = 1, binary = 2, close_frame = 8, ping = 9,
                          pong = 10;

/// A frame. `first` is the first byte: flags and opcode. A client's frames are masked.
inline std::string frame(unsigned first, std::string_view payload, bool masked = true) {
  const auto byte = [](std::uint64_t value) { return static_cast<char>(value & 0xffU); };
  const unsigned mask_bit = masked ? 0x80U : 0U;
  std::string bytes(1, byte(first));
  const std::uint64_t size = payload.size();
  if (size < 126) {
    bytes += byte(mask_bit | size);
  } else {
    const int length_bytes = size < 65536 ? 2 : 8;
    bytes += byte(mask_bit | (length_bytes == 2 ? 126U : 127U));
    for (int i = length_bytes - 1; i >= 0; --i) bytes += byte(size >> (8 * i));
  }
  const std::string mask = masked ? std::string("\x12\x34\x56\x78") : std::string();
  bytes += mask;
  for (std::size_t i = 0; i < payload.size(); ++i)
    bytes += static_cast<char>(payload[i] ^ (masked ? mask[i % 4] : 0));
  return bytes;
}

/// The payload of a Close frame.
inline std::string closing(unsigned code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)} +
         std::string(reason);
}

struct Frame {
  unsigned first = 0;
  std::string payload;

  friend bool operator==(const Frame&, const Frame&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Frame& f) {
    return out << std::hex << f.first << std::dec << " \"" << f.payload << '"';
  }
};

/// Removes a server's frame from the front of the bytes; empty if it is incomplete.
inline std::optional<Frame> next_frame(std::string_view& bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return {};
  std::size_t header = 2;
  std::uint64_t size = at(1);
  if (size >= 126) {
    const std::size_t length_bytes = size == 126 ? 2 : 8;
    if (bytes.size() < 2 + length_bytes) return {};
    size = 0;
    for (; header < 2 + length_bytes; ++header) size = size << 8U | at(header);
  }
  if (bytes.size() < header + size) return {};
  Frame found{at(0), std::string(bytes.substr(header, size))};
  bytes.remove_prefix(header + size);
  return found;
}

}  // namespace evio::test
