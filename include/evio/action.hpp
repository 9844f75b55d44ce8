// What a handler may ask for by its return value.
#pragma once

#include <evio/duration.hpp>

namespace evio { inline namespace v0 {

/// What should happen once a handler has returned. `close` and `detach` count in `opened`, `data`,
/// `drained` and `ended` of stream connections; `shutdown` counts everywhere.
enum class Action {
  none,      ///< go on
  detach,    ///< flush, then hand the descriptor to `Events::detached`; the library forgets it
  close,     ///< deliver what was written, then close
  shutdown,  ///< stop the whole server in order
};

/// What `Events::tick` returns: when to be called again, and what to do now.
struct Tick {
  Duration delay{};              ///< until the next call; negative: never again
  Action action = Action::none;  ///< `none` or `shutdown`
};

}}  // namespace evio::v0
