// The udp sockets of one driver. Datagrams are received and sent in batches.
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
  // Distinguishes the socket from earlier ones with the same id.
  std::uint32_t generation(UdpSocketId socket) const noexcept { return at(socket).generation; }
  bool alive(UdpSocketId socket, std::uint32_t generation) const noexcept {
    return fd(socket) >= 0 && at(socket).generation == generation;
  }

  // Adds the datagram to the batch, which is sent by the next flush at the latest.
  bool send(UdpSocketId socket, const Datagram& datagram);
  void flush() noexcept;
  // Reports the results of sent datagrams, and refusals, to the sink.
  void report(Sink& sink);
  bool any_refused() const noexcept { return !refused_.empty(); }
  // Receives and delivers datagrams, and sends the replies. True if the socket's share of this
  // iteration is used up and more may be waiting.
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

  std::vector<Named> ports_;          // by id
  std::unique_ptr<Batches> batches_;  // large, so it is made with the first socket
  UdpSocketId sending_{};             // the socket of the datagrams in the batch
  std::vector<Refused> refused_;      // not reported yet
};

}}}  // namespace evio::v0::detail
