// Private. The udp sockets of one driver, and receiving from them.
#pragma once

#include <span>
#include <vector>

#include "backend/driver.hpp"
#include "backend/posix/datagram_io.hpp"

namespace evio::inline v1 {

class DatagramPorts {
 public:
  DatagramPorts() = default;
  DatagramPorts(const DatagramPorts&) = delete;
  DatagramPorts& operator=(const DatagramPorts&) = delete;
  ~DatagramPorts();

  // Takes the socket over.
  void add(DatagramSocket socket, NativeSocket native);
  void close(DatagramSocket socket);
  // -1 once it is closed.
  int fd(DatagramSocket socket) const noexcept { return ports_[static_cast<std::size_t>(socket)].fd; }

  bool send(DatagramSocket socket, const Datagram& datagram) noexcept {
    return send_datagram(ports_[static_cast<std::size_t>(socket)], datagram).error == 0;
  }
  // Delivers what waits, through `buffer`, which holds the largest datagram; true: its share of the turn is used up and
  // more may wait.
  bool receive_some(DatagramSocket socket, std::span<char> buffer, Sink& sink);

 private:
  std::vector<DatagramPort> ports_;  // by the socket's name
};

}  // namespace evio::inline v1
