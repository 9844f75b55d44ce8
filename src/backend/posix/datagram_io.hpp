// Private. Moving datagrams, with the address at either end.
#pragma once

#include <cstddef>
#include <span>

#include "backend/driver.hpp"
#include "backend/posix/io.hpp"

namespace evio::inline v1 {

// A udp socket and what is the same for all its datagrams.
struct DatagramPort {
  int fd = -1;
  int family = 0;
  std::uint16_t port = 0;
  Address::Scheme scheme = Address::Scheme::udp;

  DatagramPort() = default;
  explicit DatagramPort(int socket);
};

struct ReceivedDatagram {
  IoResult result;
  Address from{};
  Address to{};
};
ReceivedDatagram receive_datagram(const DatagramPort& port, std::span<char> into);
// Leaves from datagram.from.
IoResult send_datagram(const DatagramPort& port, const Datagram& datagram) noexcept;

}  // namespace evio::inline v1
