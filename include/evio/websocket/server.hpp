// WebSockets as a part of an HTTP server, or as a server of their own.
#pragma once

#include <evio/events.hpp>
#include <evio/export.hpp>
#include <evio/http/request.hpp>
#include <evio/websocket/handlers.hpp>
#include <evio/websocket/settings.hpp>

namespace evio { inline namespace v0 { namespace websocket {

/// Answers a request by turning its connection into a WebSocket, for the route of a Router:
///
///     router.get("/chat", websocket::endpoint({.message = [](websocket::WebSocket& socket,
///     websocket::Message m) {
///       socket.send(m);
///     }}));
///
/// What is no handshake of RFC 6455 is refused: 400, 426 for another version or none (with
/// Sec-WebSocket-Version) and for a request that asks for no WebSocket, 403 for an Origin that is
/// not let in. To refuse more, call it from a handler of your own, when all is well. Throws
/// std::invalid_argument for settings that cannot be.
EVIO_API http::RequestHandler endpoint(Handlers handlers, Settings settings = {});

/// A server of WebSockets alone, on every path: http::server(endpoint(...)).
EVIO_API Events server(Handlers handlers, Settings settings = {});

}}}  // namespace evio::v0::websocket
