// How much of what was sent has reached the client, and how much of its own was not read
// yet.
#pragma once

#include <cstdint>
#include <evio/export.hpp>

namespace evio { inline namespace v0 { namespace http {

/// Bytes, ever, that the peer of a TCP socket has acknowledged; 0 if it is none.
EVIO_API std::uint64_t acknowledged(int socket) noexcept;
/// Whether bytes that have come wait in the kernel; false if it is no socket.
bool has_unread(int socket) noexcept;

}}}  // namespace evio::v0::http
