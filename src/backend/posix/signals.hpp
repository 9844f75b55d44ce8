// SIGINT and SIGTERM become an orderly stop.
#pragma once

#include <memory>

#include "backend/platform.hpp"

namespace evio { inline namespace v0 { namespace detail {

// The first of the signals stops `target`, a second one at once, until what is returned dies: then
// the dispositions are what they were. A signal that was ignored, as a shell makes SIGINT for what
// runs in the background, stays so. To a child that is forked meanwhile they do what they did
// before. Throws Error if this process has such a target already.
std::shared_ptr<void> catch_signals(Stoppable& target);

}}}  // namespace evio::v0::detail
