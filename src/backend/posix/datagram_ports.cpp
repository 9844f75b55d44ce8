#include "backend/posix/datagram_ports.hpp"

#include <unistd.h>

#include <utility>

#include "backend/posix/io.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

// If a call has received at least this many messages, more are probably arriving. Receiving again
// before the replies are sent makes larger batches of both.
constexpr unsigned few = 4;
constexpr int calls_a_turn = 4;

}  // namespace

DatagramPorts::~DatagramPorts() {
  flush();
  for (const Named& one : ports_)
    if (one.port.fd >= 0) ::close(one.port.fd);
}

void DatagramPorts::add(UdpSocketId socket, NativeSocket native) {
  if (!batches_) batches_ = std::make_unique<Batches>();
  const auto index = static_cast<std::size_t>(socket);
  if (index >= ports_.size()) ports_.resize(index + 1);
  ports_[index] = {DatagramPort(static_cast<int>(native.value)), ports_[index].generation + 1};
  receive_together(ports_[index].port);
}

void DatagramPorts::close(UdpSocketId socket) {
  flush();
  close_datagrams(std::exchange(ports_[static_cast<std::size_t>(socket)].port.fd, -1));
}

bool DatagramPorts::send(UdpSocketId socket, const Datagram& datagram) {
  if (socket != sending_) flush();
  sending_ = socket;
  return batches_->sender.add(port(socket), datagram);
}

void DatagramPorts::flush() noexcept {
  if (!batches_ || batches_->sender.empty()) return;
  batches_->sender.flush();
  if (batches_->sender.take_refused()) note_refused(sending_);
}

void DatagramPorts::report(Sink& sink) {
  if (!batches_) return;
  const DatagramTally tally = batches_->sender.take_tally();
  if (tally.sent + tally.dropped > 0) sink.on_datagrams_sent(tally);
  for (const Refused& one : std::exchange(refused_, {}))
    if (alive(one.socket, one.generation))
      sink.on_datagram_refused(one.socket, std::make_error_code(std::errc::connection_refused));
}

bool DatagramPorts::receive_some(UdpSocketId socket, Sink& sink) {
  DatagramReceiver& receiver = batches_->receiver;
  const DatagramPort from = port(socket);
  unsigned count = 0;
  for (int calls = 0; calls < calls_a_turn; ++calls) {
    count = receiver.receive(from);
    if (receiver.take_refused()) note_refused(socket);
    for (unsigned i = 0; i < count; ++i) {
      const bool open = receiver.deliver(from, i, [&](const Datagram& datagram) {
        sink.on_datagram(socket, datagram);
        return fd(socket) >= 0;
      });
      if (!open) return false;
    }
    if (count < few) break;
  }
  flush();
  return count == DatagramReceiver::batch;
}

}}}  // namespace evio::v0::detail
