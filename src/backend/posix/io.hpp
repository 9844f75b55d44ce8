// The system calls for bytes and connections, with their special cases (EINTR, SIGPIPE, forks)
// handled.
#pragma once

#include <cstddef>
#include <evio/address.hpp>
#include <span>

#include "backend/driver.hpp"

namespace evio { inline namespace v0 { namespace detail {

// The result of a call: `count` bytes, or an errno.
struct IoResult {
  std::size_t count = 0;
  int error = 0;

  bool again() const noexcept;  // EAGAIN: nothing is possible now, which is not an error
};

IoResult receive(int fd, std::span<char> into) noexcept;
// Never raises SIGPIPE.
IoResult send(int fd, std::span<const Chunk> chunks) noexcept;

struct Accepted {
  int fd = -1;
  int error = 0;
  Address peer{};
};
// Accepts a connection. `unix_socket`: whether the listener is one. Skips connections that failed
// before they were accepted.
Accepted accept(int fd, bool unix_socket);
// Whether accepting must pause after this error: descriptors or memory ran out, or the listener is
// broken. Trying again at once would only repeat the error.
bool accept_must_wait(int error) noexcept;

// The pending error of a socket as an errno, which this clears; 0 if there is none.
int pending_error(int fd) noexcept;
bool nothing_unsent_or_unread(int fd) noexcept;
// Makes close(2) reset the connection.
void reset_on_close(int fd) noexcept;
// Closes a stream socket and ends its connection; with a reset if reset_on_close was called. By
// itself close(2) ends a connection only when the last copy of the descriptor is closed, and a
// child that was forked may hold one. No child has one if this process has forked `forks_before`
// times.
void close_stream(int fd, std::uint32_t forks_before = 0) noexcept;
// As close_stream, for a connected udp socket. One that is not connected receives further as long
// as a copy of it is open.
void close_datagrams(int fd) noexcept;
// Makes a bound socket unreachable, even if other processes hold copies of it. Connections that
// wait to be accepted are reset.
void stop_serving(int fd) noexcept;
void make_blocking(int fd) noexcept;
// Makes it non-blocking and close-on-exec.
void make_ready(int fd) noexcept;
bool is_unix(int fd) noexcept;
// Why a descriptor cannot be polled: it is closed, or it is a file, which is always ready. No error
// if it can be polled.
std::error_code cannot_be_polled(int fd) noexcept;

}}}  // namespace evio::v0::detail
