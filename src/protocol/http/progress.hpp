// Private. How much of what was sent has reached the client.
#pragma once

#include <cstdint>

namespace evio::inline v1::http {

/// Bytes, ever, that the peer of a TCP socket has acknowledged; 0 if it is none.
std::uint64_t acknowledged(int socket) noexcept;

}  // namespace evio::inline v1::http
