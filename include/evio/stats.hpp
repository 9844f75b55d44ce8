// Public. Counters of a server.
#pragma once

#include <cstdint>

namespace evio::inline v1 {

/// A server's counters since it was made, from Server::stats(); each is exact, all together are not one instant.
struct Stats {
  std::uint64_t accepted = 0;            ///< connections accepted
  std::uint64_t open = 0;                ///< connections open now
  std::uint64_t closed = 0;              ///< connections closed or detached
  std::uint64_t refused = 0;             ///< accepted but dropped before `opened`: the server was stopping
  std::uint64_t received = 0;            ///< bytes, datagrams included
  std::uint64_t sent = 0;                ///< bytes that the kernel took, datagrams included
  std::uint64_t datagrams_received = 0;  ///< datagrams handed to `data`
  std::uint64_t datagrams_sent = 0;      ///< datagrams that the kernel took
  std::uint64_t datagrams_dropped = 0;   ///< datagrams too large or not taken by the kernel
  std::uint64_t accept_pauses = 0;       ///< times accepting paused for want of descriptors or kernel memory
  std::uint64_t memory = 0;              ///< bytes of input and output held now
  std::uint64_t memory_pauses = 0;       ///< times a connection's reading paused because of Limits::memory
  std::uint64_t wakeups = 0;             ///< times a loop came back from waiting for the kernel
};

}  // namespace evio::inline v1
