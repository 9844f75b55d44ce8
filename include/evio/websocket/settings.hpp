// The limits, timeouts and extensions of a WebSocket.
#pragma once

#include <chrono>
#include <cstddef>
#include <evio/duration.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace evio { inline namespace v0 { namespace websocket {

/// How messages are compressed (permessage-deflate, RFC 7692), if the peer supports it too. After
/// its first compressed message a connection holds about 2^(window_bits + 3) bytes for sending, and
/// half of that for receiving: 32 and 16 KiB by default.
struct Deflate {
  /// Messages of fewer bytes are sent without compression: the gain would be smaller than the cost.
  std::size_t size_min = 256;
  /// The base-2 logarithm of the window's size: 9 to 15, for both directions. A larger window
  /// compresses better and needs more memory. It is an upper bound: the peer may ask for less. A
  /// client accepts that a server which does not support the parameter sends with 15.
  int window_bits = 12;
  /// Whether messages may refer to earlier ones. That compresses similar messages much better.
  /// False: no memory is held between two messages.
  bool context_takeover = true;
};

/// Settings of WebSockets. Sizes are in bytes. Settings that are not valid, such as a negative
/// duration, make endpoint(), server() and connect() throw std::invalid_argument.
struct Settings {
  /// A received message, after decompression. For a longer one the connection closes with 1009
  /// (too_big), as soon as a frame's header announces more: such a message is never stored.
  std::size_t message_max = 1 << 20;
  /// The compression; nullopt: it is neither offered nor accepted.
  std::optional<Deflate> deflate = Deflate{};

  /// Subprotocols (RFC 6455, section 1.9). A server chooses the first of the client's that is among
  /// these; a client offers these, in this order. WebSocket::protocol returns the choice.
  std::vector<std::string> protocols{};
  /// Servers: the allowed values of Origin, such as "https://example.com", compared in any case.
  /// Empty: all are allowed. Set it if the server recognizes users by cookies, because a browser
  /// sends these for pages of other sites too (section 10.2). A request without Origin does not
  /// come from a browser and is allowed.
  std::vector<std::string> origins{};
  /// Clients: further fields of the request, such as Authorization or Origin.
  /// std::invalid_argument for those that the client writes itself: Host, Connection, Upgrade,
  /// Content-Length, Transfer-Encoding and Sec-WebSocket-*.
  std::vector<std::pair<std::string, std::string>> fields{};

  /// Clients: the time for the server's answer, once connected. Limits::connect_timeout applies
  /// before.
  Duration handshake_timeout = std::chrono::seconds(10);
  /// The time for the peer's answer to a Close, from when the Close has left. After it the
  /// connection closes without the answer.
  Duration close_timeout = std::chrono::seconds(5);
  /// A peer that has sent nothing for so long gets a ping. If it sends nothing for as long again,
  /// the connection is reset, and `closed` reports std::errc::timed_out. A connection whose peer
  /// receives nothing of the waiting output for so long is reset, too. 0: neither.
  Duration ping_interval = std::chrono::seconds(30);
};

}}}  // namespace evio::v0::websocket
