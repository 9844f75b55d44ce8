// The handlers of a WebSocket, of a server or of a client.
#pragma once

#include <evio/callback.hpp>
#include <evio/http/request.hpp>
#include <evio/websocket/message.hpp>
#include <evio/websocket/socket.hpp>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

/// The handlers of WebSockets. Written with designated initializers, as Events is; each handler is
/// optional and may omit its last parameters. Move-only.
///
///     websocket::server({.message = [](auto& socket, auto m) { socket.send(m); }})
///
/// They run on the thread of the connection's loop, never two of one WebSocket at the same time and
/// never one inside another. With `loops > 1` the handlers of different WebSockets run on several
/// threads, which share what the handlers capture.
///
/// If an exception leaves a handler, the peer gets a Close with 1011 (internal_error), the
/// connection closes, and the exception goes to Events::failed.
struct Handlers {
  /// Servers only: a valid handshake arrived and will be answered with 101. The place to copy what
  /// the request says (its path, its cookies) into the WebSocket's context, because the request is
  /// borrowed until this returns. Nothing can be sent yet. To refuse a request see endpoint().
  Callback<void(WebSocket&, http::Request&)> requested{};
  /// The handshake is complete: messages can be sent.
  Callback<void(WebSocket&)> opened{};
  /// A whole message arrived, decompressed and joined from its frames. Its bytes are borrowed until
  /// the handler returns.
  Callback<void(WebSocket&, Message)> message{};
  /// A pong arrived: the answer to a ping, or one that the peer sent unasked (RFC 6455, section
  /// 5.5.3). The payload is borrowed until the handler returns.
  Callback<void(WebSocket&, std::string_view payload)> pong{};
  /// The output that waits fell below Limits::output_low after it had exceeded output_high: send
  /// again.
  Callback<void(WebSocket&)> drained{};
  /// The WebSocket is gone. Always the last call, exactly once for each WebSocket that was opened.
  /// For a client's WebSocket that could not be opened it is the only call.
  Callback<void(WebSocket&, const Closed&)> closed{};
};

}}}  // namespace evio::v0::websocket
