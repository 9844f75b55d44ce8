// The platform of a POSIX system: real sockets, threads, time and chance.
#pragma once

#include <memory>

#include "backend/platform.hpp"
#include "backend/posix/waker.hpp"

namespace evio { inline namespace v0 { namespace detail {

// What makes the drivers; the sink and the waker outlive them.
using MakeDriver = std::unique_ptr<Driver> (*)(Sink& sink, EventFd& waker);

std::unique_ptr<Platform> make_posix_platform(MakeDriver make_driver);

}}}  // namespace evio::v0::detail
