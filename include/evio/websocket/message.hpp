// What WebSocket peers tell each other.
#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

namespace evio { inline namespace v0 { namespace websocket {

enum class Kind : std::uint8_t { text, binary };

/// A whole message. One that was received is lent: it is valid until its handler returns.
struct Message {
  std::string_view bytes{};  ///< of text: valid UTF-8, checked when it is received; yours to see to
                             ///< when you send it
  /// Text or binary.
  Kind kind = Kind::text;
  bool compress = true;  ///< one that you send: whether it may be compressed. False for what is
                         ///< compressed already
};

/// Status codes of RFC 6455, section 7.4.1, that one may want to name. 3000 to 4999 are for
/// libraries and programs.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_status = 1005,  ///< never sent: the peer's Close said none
  abnormal = 1006,   ///< never sent: the connection ended without a Close
  invalid_data = 1007,
  policy_violation = 1008,
  too_big = 1009,
  internal_error = 1011,
};

/// How a WebSocket ended.
struct Closed {
  /// What the peer's Close said. Where this side had to give up, what it told the peer:
  /// protocol_error, invalid_data, too_big or internal_error. `abnormal` where the connection ended
  /// without the closing handshake.
  CloseCode code = CloseCode::abnormal;
  std::string_view
      reason{};  ///< the peer's, in UTF-8; empty without one. Valid until the handler returns
  std::error_code error{};  ///< the connection's, as Events::closed has it; timed_out for a peer
                            ///< that answered no ping
};

}}}  // namespace evio::v0::websocket
