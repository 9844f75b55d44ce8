#include "backend/posix/datagram_ports.hpp"

#include <unistd.h>

#include <utility>

namespace evio::inline v1 {

namespace {

constexpr int share_of_a_turn = 64;

}  // namespace

DatagramPorts::~DatagramPorts() {
  for (const DatagramPort& port : ports_)
    if (port.fd >= 0) ::close(port.fd);
}

void DatagramPorts::add(DatagramSocket socket, NativeSocket native) {
  const auto index = static_cast<std::size_t>(socket);
  if (index >= ports_.size()) ports_.resize(index + 1);
  ports_[index] = DatagramPort(static_cast<int>(native.value));
}

void DatagramPorts::close(DatagramSocket socket) {
  ::close(std::exchange(ports_[static_cast<std::size_t>(socket)].fd, -1));
}

bool DatagramPorts::receive_some(DatagramSocket socket, std::span<char> buffer, Sink& sink) {
  for (int i = 0; i < share_of_a_turn; ++i) {
    const DatagramPort& port = ports_[static_cast<std::size_t>(socket)];
    if (port.fd < 0) return false;
    const ReceivedDatagram received = receive_datagram(port, buffer);
    if (received.result.error) return false;  // nothing more, or the trouble of a peer that is gone: read off by asking
    sink.on_datagram(socket,
                     {.from = received.from, .to = received.to, .bytes = {buffer.data(), received.result.count}});
  }
  return true;
}

}  // namespace evio::inline v1
