// The platform of a POSIX system: its sockets, threads, clock and random numbers.
#pragma once

#include <memory>

#include "backend/platform.hpp"
#include "backend/posix/waker.hpp"

namespace evio { inline namespace v0 { namespace detail {

// Makes a driver. The sink and the waker outlive it.
using MakeDriver = std::unique_ptr<Driver> (*)(Sink& sink, EventFd& waker);

std::unique_ptr<Platform> make_posix_platform(MakeDriver make_driver);

}}}  // namespace evio::v0::detail
