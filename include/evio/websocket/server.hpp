// Accepts WebSockets, on a route of an HTTP server or as a server of their own.
#pragma once

#include <evio/events.hpp>
#include <evio/export.hpp>
#include <evio/http/request.hpp>
#include <evio/websocket/handlers.hpp>
#include <evio/websocket/settings.hpp>

namespace evio { inline namespace v0 { namespace websocket {

/// Makes a request handler that turns the request's connection into a WebSocket, for a route of a
/// Router:
///
///     router.get("/chat", websocket::endpoint({.message = [](auto& socket, auto m) {
///       socket.send(m);
///     }}));
///
/// A request that is not a valid handshake (RFC 6455, section 4.2.1) is refused: with 405 for
/// another method than GET; with 426 if it does not ask for a WebSocket or for a version other than
/// 13; with 403 for an Origin that Settings::origins does not allow; with 400 otherwise.
///
/// To refuse further requests, for instance those without a valid cookie, call the endpoint from a
/// handler of your own:
///
///     auto chat = websocket::endpoint(...);
///     router.get("/chat", [chat = std::move(chat)](auto& request, auto& response) {
///       if (!is_known(request.field("Cookie"))) return response.send(401);
///       chat(request, response);
///     });
///
/// Throws std::invalid_argument for invalid settings.
EVIO_API http::RequestHandler endpoint(Handlers handlers, Settings settings = {});

/// Makes the Events of a server that accepts WebSockets on every path and answers nothing else:
/// http::server(endpoint(...)). Throws std::invalid_argument for invalid settings.
EVIO_API Events server(Handlers handlers, Settings settings = {});

}}}  // namespace evio::v0::websocket
