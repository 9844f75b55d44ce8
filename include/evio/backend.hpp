// Backend: the kernel interface that a server uses.
#pragma once

namespace evio { inline namespace v0 {

/// The kernel interface by which a server waits for and transfers bytes. `automatic` takes the best
/// that this machine offers; the environment variable EVIO_BACKEND (io_uring, epoll, kqueue, poll)
/// overrides `automatic`. A backend that is requested by name and is not available is an Error that
/// says why. `kqueue` is not available in this version.
///
/// `poll` is portable and suits tens of connections: its cost grows with their number. A `-net`
/// suffix in an address requests it too. Soon after a loop on io_uring has ended, the kernel may
/// interrupt (EINTR) one system call in which its thread then waits.
enum class Backend { automatic, io_uring, epoll, kqueue, poll };

}}  // namespace evio::v0
