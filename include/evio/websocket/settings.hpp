// The limits, deadlines and habits of a WebSocket.
#pragma once

#include <chrono>
#include <cstddef>
#include <evio/duration.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace evio { inline namespace v0 { namespace websocket {

/// How messages are compressed (permessage-deflate, RFC 7692) with peers that can do so too. A
/// connection that has sent a compressed message keeps about 2^(window_bits + 3) bytes for it, one
/// that has received one half of that.
struct Deflate {
  std::size_t size_min = 256;  ///< messages of fewer bytes are sent as they are
  int window_bits = 12;  ///< at most, in both directions: 9 to 15. A client lets a server that can
                         ///< keep to no such bound send with 15
  bool context_takeover =
      true;  ///< messages refer to those before them; false: nothing is kept between messages
};

/// Bytes and durations.
struct Settings {
  /// A received message, decompressed. Beyond: closed with 1009 (too_big), as soon as a frame's
  /// header announces more.
  std::size_t message_max = 1 << 20;
  std::optional<Deflate> deflate = Deflate{};  ///< nullopt: none

  /// Subprotocols. A server takes the first of the client's that is among these, a client offers
  /// these in this order.
  std::vector<std::string> protocols{};
  /// Servers: the values of Origin that are let in, such as "https://example.com", compared without
  /// regard to case; a request without Origin comes from no browser and is let in. Empty: all.
  std::vector<std::string> origins{};
  /// Clients: fields of the request beside its own, such as Authorization and Origin. Not Host,
  /// Connection, Upgrade, Content-Length, Transfer-Encoding and Sec-WebSocket-*, which the client
  /// writes itself (std::invalid_argument).
  std::vector<std::pair<std::string, std::string>> fields{};

  Duration handshake_timeout =
      std::chrono::seconds(10);  ///< clients: for the server's answer, once connected
  Duration close_timeout =
      std::chrono::seconds(5);  ///< for the peer's answer to a Close, once that has left
  /// A peer that was silent so long gets a ping; one that stays silent as long again is gone. So is
  /// one that takes nothing for so long of the output that waits. 0: never.
  Duration ping_interval = std::chrono::seconds(30);
};

}}}  // namespace evio::v0::websocket
