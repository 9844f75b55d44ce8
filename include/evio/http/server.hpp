// An HTTP/1.1 server, as the Events of one.
#pragma once

#include <evio/events.hpp>
#include <evio/export.hpp>
#include <evio/http/response.hpp>
#include <evio/http/router.hpp>
#include <evio/http/settings.hpp>

namespace evio { inline namespace v0 { namespace http {

/// What answers HTTP/1.1 and 1.0 requests by `router`, for evio::serve, on(...) or a Simulation:
///
///     evio::serve(http::server(std::move(router)), "tcp://:8080");
///
/// Sets opened, data, drained, ended, draining and closed; all else (loops, limits, options,
/// signals, other handlers) is yours to set in the Events that you get. With `loops > 1` the
/// handlers are shared by the loops' threads, as everywhere.
///
/// Requests of a connection are answered in their order. What does not keep to RFC 9112 to the
/// letter is refused with 400 and the connection closed: no message is read in two ways. An
/// exception of a handler goes to Events::failed and ends its connection; the client gets a 500 if
/// no answer had begun. When the server drains (Server::drain), idle connections close at once;
/// answers under way, and those to requests that had begun to come, are finished, and the last on
/// each connection says `Connection: close`. Limits::input_max must be above Settings::header_max,
/// with room for one batch of input (its default is ample).
EVIO_API Events server(Router router, Settings settings = {});

/// The same with one handler for every request, called once the whole body is there.
EVIO_API Events server(RequestHandler handler, Settings settings = {});

}}}  // namespace evio::v0::http
