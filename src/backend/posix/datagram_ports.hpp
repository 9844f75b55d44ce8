// Private. The udp sockets of one driver: what waits at each is received, and what is sent through all leaves, in
// batches.
#pragma once

#include <memory>
#include <vector>

#include "backend/driver.hpp"
#include "backend/posix/datagram_receiver.hpp"
#include "backend/posix/datagram_sender.hpp"

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
  int fd(DatagramSocket socket) const noexcept { return port(socket).fd; }

  // It leaves with the next flush at the latest.
  bool send(DatagramSocket socket, const Datagram& datagram) { return batches_->sender.add(port(socket), datagram); }
  void flush() noexcept;
  // What became of what was sent.
  void report(Sink& sink);
  // Delivers what waits, and sends what is answered; true: its share of the turn is used up and more may wait.
  bool receive_some(DatagramSocket socket, Sink& sink);

 private:
  struct Batches {
    DatagramReceiver receiver;
    DatagramSender sender;
  };

  const DatagramPort& port(DatagramSocket socket) const noexcept { return ports_[static_cast<std::size_t>(socket)]; }

  std::vector<DatagramPort> ports_;   // by the socket's name
  std::unique_ptr<Batches> batches_;  // made with the first socket
};

}  // namespace evio::inline v1
