// Opens outgoing WebSockets.
#pragma once

#include <evio/events.hpp>
#include <evio/export.hpp>
#include <evio/websocket/handlers.hpp>
#include <evio/websocket/settings.hpp>
#include <string_view>

namespace evio { inline namespace v0 {
class Loop;
}}  // namespace evio::v0

namespace evio { inline namespace v0 { namespace websocket {

/// Opens a WebSocket to `url`, ws://host[:port][/path][?query] (RFC 6455, section 3; port 80 by
/// default). `wss` is refused: there is no TLS here. Call it on the loop's thread.
///
///     websocket::connect(loop, "ws://localhost:8080/chat",
///                        {.opened = [](websocket::WebSocket& socket) { socket.text("hello"); },
///                         .message = [](websocket::WebSocket&, websocket::Message m) { ... }});
///
/// Returns the WebSocket at once, before it is connected. Its context and handle() work already;
/// send() drops messages until `opened` has been called. The WebSocket belongs to the loop and
/// lives until `closed` has returned: do not delete it. Returns null if the loop's server is
/// shutting down; then no handler is called.
///
/// If the server cannot be reached or refuses the handshake, `closed` is the only call: its code is
/// `abnormal`, its error is the connection's, or std::errc::protocol_error together with a reason
/// that says what is wrong with the answer.
///
/// `limits` and `options` are the connection's. Throws Error for an invalid URL and
/// std::invalid_argument for invalid settings.
EVIO_API WebSocket* connect(Loop& loop, std::string_view url, Handlers handlers,
                            Settings settings = {}, Limits limits = {}, Options options = {});

}}}  // namespace evio::v0::websocket
