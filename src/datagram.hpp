// The udp sockets of a loop, and the Conn that a handler gets with one datagram.
#pragma once

#include <cstdint>
#include <evio/conn.hpp>
#include <vector>

#include "backend/driver.hpp"
#include "handle_block.hpp"
#include "slab.hpp"

namespace evio { inline namespace v0 { namespace detail {

class Connection;
class LoopCore;

// Valid during the call of the handler only.
class DatagramConn final : public Conn {
 public:
  DatagramConn(LoopCore& loop, UdpSocketId socket, const Datagram& datagram) noexcept
      : Conn(Kind::datagram), loop_(loop), socket_(socket), datagram_(datagram) {}

  WriteResult write(std::string_view bytes);
  Address local() const { return datagram_.to; }
  Address remote() const { return datagram_.from; }
  int address_index() const noexcept { return static_cast<int>(socket_); }
  std::shared_ptr<HandleBlock> handle_block() const;
  const Limits& limits() const noexcept;
  LoopCore& loop() const noexcept { return loop_; }

 private:
  LoopCore& loop_;
  const UdpSocketId socket_;
  const Datagram& datagram_;
};

// Calls `data` for each datagram that arrives at the server's udp addresses on this loop. It also
// receives for outgoing connections to udp addresses; the ids of their sockets begin after the
// indices of the addresses.
class Datagrams {
 public:
  explicit Datagrams(LoopCore& loop) noexcept : loop_(loop) {}

  void bind(int address_index, NativeSocket socket);
  // For an outgoing connection, which calls close() with the id.
  UdpSocketId bind(Connection& connection, NativeSocket socket);
  void close(UdpSocketId socket);
  // Events of the driver, for a socket of either kind.
  void received(UdpSocketId socket, const Datagram& datagram);
  void refused(UdpSocketId socket, std::error_code error);
  WriteResult send(UdpSocketId socket, const Datagram& datagram);
  // Closes the sockets of addresses. Outgoing connections have closed theirs before.
  void close();

 private:
  // The outgoing connection that uses the socket; null for a socket of an address.
  Connection* owner(UdpSocketId socket) noexcept;
  std::size_t addresses() const noexcept;

  LoopCore& loop_;
  std::vector<UdpSocketId> sockets_;  // open sockets of addresses
  Slab<Connection*> owners_;
};

}}}  // namespace evio::v0::detail
