// Messages and close codes of WebSockets.
#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

namespace evio { inline namespace v0 { namespace websocket {

/// The kind of a message: its frame's opcode (RFC 6455, section 5.6).
enum class Kind : std::uint8_t { text, binary };

/// A whole message. The bytes of a received message are borrowed until its handler returns; those
/// of a message to be sent are copied by the call that gets it.
struct Message {
  /// The payload. Received text is checked to be valid UTF-8; text that you send is not, so take
  /// care of it: the peer closes a connection with invalid text (RFC 6455, section 8.1).
  std::string_view bytes{};
  /// Text or binary.
  Kind kind = Kind::text;
  /// For a message to be sent: whether it may be compressed. Set it to false for bytes that are
  /// compressed already, such as images, to save the time.
  bool compress = true;
};

/// The status codes of a Close that have a name here (RFC 6455, section 7.4.1). 3000 to 3999 are
/// registered for libraries, and 4000 to 4999 are free for applications: use a cast,
/// `CloseCode(4001)`.
enum class CloseCode : std::uint16_t {
  normal = 1000,            ///< the purpose of the connection is fulfilled
  going_away = 1001,        ///< a server shuts down, or a browser leaves the page
  protocol_error = 1002,    ///< the peer violated RFC 6455
  unsupported_data = 1003,  ///< a kind of message that the application does not accept
  no_status = 1005,         ///< never sent: the peer's Close had no code
  abnormal = 1006,          ///< never sent: the connection ended without a Close
  invalid_data = 1007,      ///< text that is not UTF-8, or data that cannot be decompressed
  policy_violation = 1008,  ///< a message that violates the application's rules
  too_big = 1009,           ///< a message beyond Settings::message_max
  internal_error = 1011,    ///< a handler threw an exception
};

/// How a WebSocket ended: the argument of Handlers::closed.
struct Closed {
  /// The code of the peer's Close. If this side ended the connection because of an error, the code
  /// that it sent: protocol_error, invalid_data, too_big or internal_error. `abnormal` if the
  /// connection ended without the closing handshake (RFC 6455, section 7.1.5).
  CloseCode code = CloseCode::abnormal;
  /// The reason of the peer's Close, in UTF-8; empty if it gave none. For a client's handshake that
  /// failed: what is wrong with the answer. Borrowed until the handler returns.
  std::string_view reason{};
  /// The connection's error, as in Events::closed; std::errc::timed_out for a peer that answered no
  /// ping or received nothing during Settings::ping_interval.
  std::error_code error{};
};

}}}  // namespace evio::v0::websocket
