#include "backend/posix/datagram_ports.hpp"

#include <unistd.h>

#include <utility>

namespace evio::inline v1 {

DatagramPorts::~DatagramPorts() {
  flush();
  for (const DatagramPort& port : ports_)
    if (port.fd >= 0) ::close(port.fd);
}

void DatagramPorts::add(DatagramSocket socket, NativeSocket native) {
  if (!batches_) batches_ = std::make_unique<Batches>();
  const auto index = static_cast<std::size_t>(socket);
  if (index >= ports_.size()) ports_.resize(index + 1);
  ports_[index] = DatagramPort(static_cast<int>(native.value));
  receive_together(ports_[index]);
}

void DatagramPorts::close(DatagramSocket socket) {
  flush();
  ::close(std::exchange(ports_[static_cast<std::size_t>(socket)].fd, -1));
}

void DatagramPorts::flush() noexcept {
  if (batches_ && !batches_->sender.empty()) batches_->sender.flush();
}

void DatagramPorts::report(Sink& sink) {
  if (!batches_) return;
  const DatagramTally tally = batches_->sender.take_tally();
  if (tally.sent + tally.dropped > 0) sink.on_datagrams_sent(tally);
}

bool DatagramPorts::receive_some(DatagramSocket socket, Sink& sink) {
  DatagramReceiver& receiver = batches_->receiver;
  const DatagramPort from = port(socket);
  const unsigned count = receiver.receive(from);
  for (unsigned i = 0; i < count; ++i) {
    const bool open = receiver.deliver(from, i, [&](const Datagram& datagram) {
      sink.on_datagram(socket, datagram);
      return fd(socket) >= 0;
    });
    if (!open) return false;
  }
  flush();
  return count == DatagramReceiver::batch;
}

}  // namespace evio::inline v1
