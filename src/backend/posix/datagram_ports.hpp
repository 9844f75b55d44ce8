// The udp sockets of one driver: what waits at each is received, and what is sent through
// all leaves, in batches.
#pragma once

#include <memory>
#include <vector>

#include "backend/driver.hpp"
#include "backend/posix/datagram_receiver.hpp"
#include "backend/posix/datagram_sender.hpp"

namespace evio { inline namespace v0 { namespace detail {

class DatagramPorts {
 public:
  DatagramPorts() = default;
  DatagramPorts(const DatagramPorts&) = delete;
  DatagramPorts& operator=(const DatagramPorts&) = delete;
  ~DatagramPorts();

  // Takes the socket over.
  void add(UdpSocketId socket, NativeSocket native);
  void close(UdpSocketId socket);
  // -1 once it is closed.
  int fd(UdpSocketId socket) const noexcept { return port(socket).fd; }
  // Tells it from others that had its name.
  std::uint32_t generation(UdpSocketId socket) const noexcept { return at(socket).generation; }
  bool alive(UdpSocketId socket, std::uint32_t generation) const noexcept {
    return fd(socket) >= 0 && at(socket).generation == generation;
  }

  // It leaves with the next flush at the latest.
  bool send(UdpSocketId socket, const Datagram& datagram);
  void flush() noexcept;
  // What became of what was sent.
  void report(Sink& sink);
  bool any_refused() const noexcept { return !refused_.empty(); }
  // Delivers what waits, and sends what is answered; true: its share of the turn is used up and
  // more may wait.
  bool receive_some(UdpSocketId socket, Sink& sink);

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
    UdpSocketId socket;
    std::uint32_t generation;
  };

  const Named& at(UdpSocketId socket) const noexcept {
    return ports_[static_cast<std::size_t>(socket)];
  }
  const DatagramPort& port(UdpSocketId socket) const noexcept { return at(socket).port; }
  void note_refused(UdpSocketId socket) { refused_.push_back({socket, generation(socket)}); }

  std::vector<Named> ports_;          // by the socket's name
  std::unique_ptr<Batches> batches_;  // made with the first socket
  UdpSocketId sending_{};             // whose datagrams are in the batch
  std::vector<Refused> refused_;      // not told yet
};

}}}  // namespace evio::v0::detail
