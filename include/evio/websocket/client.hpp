// WebSockets of your own making.
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

/// Connects to `url`, ws://host[:port][/path][?query], on the loop's thread, and returns the
/// WebSocket at once: its context and handle() work already, but it is not open until `opened`. If
/// the server cannot be reached or declines, `closed` comes alone: code `abnormal`, with the
/// connection's error, or std::errc::protocol_error and, as the reason, what is wrong with the
/// answer. Null once the server of this loop is shutting down. `limits` and `options` are the
/// connection's. Throws Error for a URL that nothing can connect to, std::invalid_argument for
/// settings that cannot be.
EVIO_API WebSocket* connect(Loop& loop, std::string_view url, Handlers handlers,
                            Settings settings = {}, Limits limits = {}, Options options = {});

}}}  // namespace evio::v0::websocket
