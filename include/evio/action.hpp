// Action: what a handler requests by its return value.
#pragma once

#include <evio/duration.hpp>

namespace evio { inline namespace v0 {

/// What the library does after a handler has returned. `close` and `detach` have an effect in
/// `opened`, `data`, `drained`, `ended` and `draining` of stream connections; `shutdown` has one in
/// every handler. A handler that returns void returns `none`.
enum class Action {
  /// Nothing: the connection goes on.
  none,
  /// Sends the pending output, then passes the socket to `Events::detached`; the library forgets
  /// the
  /// connection. Without a `detached` handler it means `close`.
  detach,
  /// Conn::close: sends the pending output, then closes.
  close,
  /// Server::shutdown: ends the whole server in order.
  shutdown,
};

/// What `Events::tick` returns: when it is called again, and what happens now. `return {1s};` asks
/// for a call in a second.
struct Tick {
  /// The time until the next call; negative: it is not called again.
  Duration delay{};
  /// Action::none or Action::shutdown.
  Action action = Action::none;
};

}}  // namespace evio::v0
