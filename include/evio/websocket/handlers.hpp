// What a program does on its WebSockets.
#pragma once

#include <evio/callback.hpp>
#include <evio/http/request.hpp>
#include <evio/websocket/message.hpp>
#include <evio/websocket/socket.hpp>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

/// For designated initializers, as Events is: each handler is optional and may leave its parameters
/// out. They run on the thread of the connection's loop, never two of one WebSocket at once and
/// never one inside another; with `loops > 1` what they capture is shared by the loops' threads. An
/// exception that leaves one tells the peer 1011 (internal_error), closes the connection and goes
/// to Events::failed. Move-only.
struct Handlers {
  /// Servers: the handshake is right and will be answered with 101. The place to keep what the
  /// request says (its path, its cookies) in the WebSocket's context; nothing can be sent yet. To
  /// refuse a request, see endpoint().
  Callback<void(WebSocket&, http::Request&)> requested{};
  /// The handshake is done.
  Callback<void(WebSocket&)> opened{};
  /// A whole message came.
  Callback<void(WebSocket&, Message)> message{};
  /// The answer to a ping, or an unasked-for pong.
  Callback<void(WebSocket&, std::string_view payload)> pong{};
  /// The output fell below Limits::output_low after it had exceeded output_high: send again.
  Callback<void(WebSocket&)> drained{};
  /// The last call, exactly once for each that was opened; for a client's that could not be opened,
  /// alone.
  Callback<void(WebSocket&, const Closed&)> closed{};
};

}}}  // namespace evio::v0::websocket
