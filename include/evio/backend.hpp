// The kernel interfaces that a server can run on.
#pragma once

namespace evio { inline namespace v0 {

/// How a server waits for and moves bytes. `automatic` takes the best that works here; the
/// environment variable EVIO_BACKEND (io_uring, epoll, kqueue, poll) overrides `automatic`. One
/// asked for by name that cannot be had is an Error. `poll` is the portable one, also reached by a
/// `-net` suffix in an address: fine for tens of connections. Soon after a loop on io_uring has
/// ended, the kernel may interrupt (EINTR) one call in which its thread then waits.
enum class Backend { automatic, io_uring, epoll, kqueue, poll };

}}  // namespace evio::v0
