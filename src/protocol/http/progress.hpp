// Asks the kernel how much output has reached the client, and whether input was not read yet.
#pragma once

#include <cstdint>
#include <evio/export.hpp>

namespace evio { inline namespace v0 { namespace http {

/// Returns how many bytes the peer of a TCP socket has acknowledged since the connection began; 0
/// if the descriptor is not a TCP socket, as in a simulation. A system call: for timers, not for
/// each write.
EVIO_API std::uint64_t acknowledged(int socket) noexcept;
/// Returns whether received bytes wait in the kernel; false if the descriptor is not a socket.
bool has_unread(int socket) noexcept;

}}}  // namespace evio::v0::http
