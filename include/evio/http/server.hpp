// An HTTP/1.1 server: a function that makes its Events.
#pragma once

#include <evio/events.hpp>
#include <evio/export.hpp>
#include <evio/http/response.hpp>
#include <evio/http/router.hpp>
#include <evio/http/settings.hpp>

namespace evio { inline namespace v0 { namespace http {

/// Makes the Events of a server that answers HTTP/1.1 and 1.0 requests by `router`, for
/// evio::serve, on(...) or a Simulation:
///
///     evio::serve(http::server(std::move(router)), "tcp://:8080");
///
/// It sets the handlers opened, data, drained, ended, draining and closed. Everything else (loops,
/// limits, options, signals, the other handlers) is yours to set:
///
///     auto events = http::server(std::move(router));
///     events.loops = -1;
///     events.handle_signals = true;
///
/// With `loops > 1` the router's handlers run on several threads at the same time.
///
/// Requests of a connection are answered in the order in which they arrive. A request that violates
/// RFC 9112 is answered with 400 and its connection closed, because a message that two
/// implementations read differently allows request smuggling (section 11.2). An exception of a
/// handler goes to Events::failed and closes its connection; the client gets a 500 if no answer had
/// begun.
///
/// When the server drains (Server::drain), idle connections close at once. Answers in progress, and
/// those to requests that have begun to arrive, are completed; the last one of each connection says
/// `Connection: close`.
///
/// Limits::input_max must exceed Settings::header_max by the size of one read, or requests with
/// large headers end with input_overflow; the defaults do. Throws std::invalid_argument for a
/// negative duration in `settings`.
EVIO_API Events server(Router router, Settings settings = {});

/// Makes the Events of a server with one handler for all requests. It is called after the whole
/// body has arrived. Throws std::invalid_argument for an empty handler, too.
EVIO_API Events server(RequestHandler handler, Settings settings = {});

}}}  // namespace evio::v0::http
