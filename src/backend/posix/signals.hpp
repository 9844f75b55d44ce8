// Stops a server on SIGINT and SIGTERM.
#pragma once

#include <memory>

#include "backend/platform.hpp"

namespace evio { inline namespace v0 { namespace detail {

// The first signal stops `target`; a second one stops it at once. Destroying the returned object
// restores the previous dispositions. A signal that was ignored stays ignored: a shell ignores
// SIGINT for jobs in the background. In a child that is forked meanwhile, the signals have their
// previous effect. Throws Error if this process has another target already.
std::shared_ptr<void> catch_signals(Stoppable& target);

}}}  // namespace evio::v0::detail
