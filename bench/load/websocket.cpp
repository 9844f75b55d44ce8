// The client's side of WebSocket (RFC 6455), as far as a load needs it. Frames are binary, so that
// no server has to check UTF-8, which not all of them do.
#include "websocket.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "load.hpp"

namespace load {

namespace {

constexpr char mask_bit = '\x80';

// The header of a frame with a whole binary message, without the mask.
std::string head(std::size_t size, char masked) {
  constexpr std::size_t short_max = 125;
  std::string bytes = "\x82";
  if (size <= short_max) return bytes += static_cast<char>(masked | static_cast<char>(size));
  const bool wide = size > 0xFFFF;
  bytes += static_cast<char>(masked | (wide ? 127 : 126));
  for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift);
  return bytes;
}

}  // namespace

void upgrade_all(const std::vector<int>& sockets) {
  constexpr std::string_view request =
      "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  constexpr std::string_view accepted =
      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";  // the reply to that key according to RFC 6455
  for (const int fd : sockets) send_all(fd, request);
  for (const int fd : sockets) {
    const std::string answer = receive_until(fd, "\r\n\r\n");
    if (answer.starts_with("HTTP/1.1 101 ") && answer.find(accepted) != std::string::npos) continue;
    std::fprintf(stderr, "load: the server accepts no WebSocket: %s\n", answer.c_str());
    std::exit(1);
  }
}

std::string client_frame(std::string_view message) {
  constexpr std::string_view mask = "\x37\xfa\x21\x3d";
  std::string bytes = head(message.size(), mask_bit);
  bytes += mask;
  for (std::size_t i = 0; i < message.size(); ++i)
    bytes += static_cast<char>(message[i] ^ mask[i % mask.size()]);
  return bytes;
}

std::string server_frame(std::string_view message) {
  return head(message.size(), 0).append(message);
}

}  // namespace load
