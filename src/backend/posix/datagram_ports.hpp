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
  // Tells it from others that had its name.
  std::uint32_t generation(DatagramSocket socket) const noexcept { return at(socket).generation; }
  bool alive(DatagramSocket socket, std::uint32_t generation) const noexcept {
    return fd(socket) >= 0 && at(socket).generation == generation;
  }

  // It leaves with the next flush at the latest.
  bool send(DatagramSocket socket, const Datagram& datagram);
  void flush() noexcept;
  // What became of what was sent.
  void report(Sink& sink);
  bool any_refused() const noexcept { return !refused_.empty(); }
  // Delivers what waits, and sends what is answered; true: its share of the turn is used up and more may wait.
  bool receive_some(DatagramSocket socket, Sink& sink);

 private:
  struct Batches {
    DatagramReceiver receiver;
    DatagramSender sender;
  };

  struct Named {
    DatagramPort port;
    std::uint32_t generation = 0;
  };
  struct Refused {
    DatagramSocket socket;
    std::uint32_t generation;
  };

  const Named& at(DatagramSocket socket) const noexcept { return ports_[static_cast<std::size_t>(socket)]; }
  const DatagramPort& port(DatagramSocket socket) const noexcept { return at(socket).port; }
  void note_refused(DatagramSocket socket) { refused_.push_back({socket, generation(socket)}); }

  std::vector<Named> ports_;          // by the socket's name
  std::unique_ptr<Batches> batches_;  // made with the first socket
  DatagramSocket sending_{};          // whose datagrams are in the batch
  std::vector<Refused> refused_;      // not told yet
};

}  // namespace evio::inline v1
