#include "datagram.hpp"

#include <algorithm>
#include <evio/input.hpp>

#include "loop.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 { namespace detail {

WriteResult DatagramConn::write(std::string_view bytes) {
  return loop_.datagrams().send(socket_,
                                {.from = datagram_.to, .to = datagram_.from, .bytes = bytes});
}

// A datagram has no connection that could own the block, so each call makes one. HandleBlock's
// same() makes handles of one peer equal.
std::shared_ptr<HandleBlock> DatagramConn::handle_block() const {
  return std::make_shared<HandleBlock>(
      loop_.tasks(),
      HandleBlock::Peer{.socket = socket_, .local = datagram_.to, .remote = datagram_.from},
      loop_.server().service(address_index()).events.limits.output_max);
}

const Limits& DatagramConn::limits() const noexcept {
  return loop_.server().service(address_index()).events.limits;
}

void Datagrams::bind(int address_index, NativeSocket socket) {
  const auto name = static_cast<UdpSocketId>(address_index);
  loop_.driver().bind_datagram(name, socket);
  loop_.server().opened(address_index, socket);
  sockets_.push_back(name);
}

std::size_t Datagrams::addresses() const noexcept { return loop_.server().addresses().size(); }

Connection* Datagrams::owner(UdpSocketId socket) noexcept {
  const auto name = static_cast<std::size_t>(socket);
  return name < addresses() ? nullptr : owners_[static_cast<std::uint32_t>(name - addresses())];
}

UdpSocketId Datagrams::bind(Connection& connection, NativeSocket socket) {
  const auto name = static_cast<UdpSocketId>(addresses() + owners_.make(&connection));
  loop_.driver().bind_datagram(name, socket);
  return name;
}

void Datagrams::close(UdpSocketId socket) {
  loop_.driver().close_datagram(socket);
  owners_.destroy(static_cast<std::uint32_t>(static_cast<std::size_t>(socket) - addresses()));
}

void Datagrams::refused(UdpSocketId socket, std::error_code error) {
  if (Connection* connection = owner(socket)) connection->datagram_refused(error);
}

// An exception of `data` drops the datagram only: unlike a connection, there is nothing to be
// closed.
void Datagrams::received(UdpSocketId socket, const Datagram& datagram) {
  if (Connection* connection = owner(socket)) return connection->datagram_received(datagram.bytes);
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
    loop_.counters().datagrams_dropped.add(1);
    loop_.on_handler_exception(&conn, std::current_exception());
  }
}

// Handles may send after the socket was closed, so this checks whether it is open.
WriteResult Datagrams::send(UdpSocketId socket, const Datagram& datagram) {
  const bool open =
      owner(socket) || std::find(sockets_.begin(), sockets_.end(), socket) != sockets_.end();
  const bool accepted = open && loop_.driver().send_to(socket, datagram);
  if (!accepted) loop_.counters().datagrams_dropped.add(1);
  return accepted ? WriteResult::Kind::accepted : WriteResult::Kind::dropped;
}

void Datagrams::close() {
  for (const UdpSocketId socket : sockets_) {
    loop_.server().closing(static_cast<int>(socket), loop_);
    loop_.driver().close_datagram(socket);
  }
  sockets_.clear();
}

}}}  // namespace evio::v0::detail
