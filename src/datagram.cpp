#include "datagram.hpp"

#include <algorithm>
#include <evio/input.hpp>

#include "loop.hpp"
#include "server.hpp"

namespace evio::inline v1 {

bool DatagramConn::write(std::string_view bytes) {
  return loop_.datagrams().send(socket_, {.from = datagram_.to, .to = datagram_.from, .bytes = bytes});
}

std::shared_ptr<HandleBlock> DatagramConn::handle_block() const {
  return std::make_shared<HandleBlock>(
      loop_.mailbox(), HandleBlock::Peer{.socket = socket_, .local = datagram_.to, .remote = datagram_.from});
}

void Datagrams::bind(int address_index, NativeSocket socket) {
  const auto name = static_cast<DatagramSocket>(address_index);
  loop_.driver().bind_datagram(name, socket);
  sockets_.push_back(name);
}

void Datagrams::received(DatagramSocket socket, const Datagram& datagram) {
  loop_.counters().datagrams_received.add(1);
  loop_.counters().received.add(datagram.bytes.size());
  const Events& events = loop_.server().service(static_cast<int>(socket)).events;
  if (!events.data || loop_.stopping()) return;
  loop_.counters().messages.add(1);
  DatagramConn conn(loop_, socket, datagram);
  Input in(datagram.bytes);
  try {
    if (events.data(conn, in) == Action::shutdown) loop_.server().stop();
  } catch (...) {
    loop_.handler_threw(&conn, std::current_exception());
  }
}

bool Datagrams::send(DatagramSocket socket, const Datagram& datagram) {
  const bool open = std::find(sockets_.begin(), sockets_.end(), socket) != sockets_.end();
  const bool accepted = open && loop_.driver().send_to(socket, datagram);
  if (!accepted) loop_.counters().datagrams_dropped.add(1);
  return accepted;
}

void Datagrams::close() {
  for (const DatagramSocket socket : sockets_) {
    loop_.server().closing(static_cast<int>(socket));
    loop_.driver().close_datagram(socket);
  }
  sockets_.clear();
}

}  // namespace evio::inline v1
