// Moving bytes and connections through sockets: the system calls, without their traps.
#pragma once

#include <cstddef>
#include <evio/address.hpp>
#include <span>

#include "backend/driver.hpp"

namespace evio { inline namespace v0 { namespace detail {

// What a call did: `count` bytes, or an errno.
struct IoResult {
  std::size_t count = 0;
  int error = 0;

  bool again() const noexcept;  // nothing now; not an error
};

IoResult receive(int fd, std::span<char> into) noexcept;
// Never raises SIGPIPE.
IoResult send(int fd, std::span<const Chunk> chunks) noexcept;

struct Accepted {
  int fd = -1;
  int error = 0;
  Address peer{};
};
// `unix_socket`: of the listener. Skips connections that were gone before they were accepted.
Accepted accept(int fd, bool unix_socket);
// Whether accepting failed for want of descriptors or memory, or for good: then it must not be
// tried at once.
bool accept_must_wait(int error) noexcept;

int pending_error(int fd) noexcept;
bool nothing_unsent_or_unread(int fd) noexcept;
void reset_on_close(int fd) noexcept;
// Closes a stream socket of ours. Its connection ends at once, by a reset if reset_on_close says
// so, although a child holds a copy of the descriptor: close(2) ends it only with the last copy. No
// child has one if this process has not forked but `forks_before` times.
void close_stream(int fd, std::uint32_t forks_before = 0) noexcept;
// The same for a udp socket that is connected; others receive for as long as copies of them are
// open.
void close_datagrams(int fd) noexcept;
// Nobody reaches a bound socket of ours any more, whoever holds copies of it; who waits to be
// accepted is reset.
void stop_serving(int fd) noexcept;
void make_blocking(int fd) noexcept;
// Non-blocking and close-on-exec.
void make_ready(int fd) noexcept;
bool is_unix(int fd) noexcept;
// Why its readiness cannot be told: closed, or a file that is always ready. None if it can be.
std::error_code cannot_be_polled(int fd) noexcept;

}}}  // namespace evio::v0::detail
