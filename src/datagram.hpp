// Private. A loop's udp sockets, and the Conn that a handler sees for one datagram.
#pragma once

#include <cstdint>
#include <evio/conn.hpp>
#include <vector>

#include "backend/driver.hpp"
#include "handle_block.hpp"
#include "slab.hpp"

namespace evio::inline v1 {

class Connection;
class LoopCore;

class DatagramConn final : public Conn {
 public:
  DatagramConn(LoopCore& loop, DatagramSocket socket, const Datagram& datagram) noexcept
      : Conn(Kind::datagram), loop_(loop), socket_(socket), datagram_(datagram) {}

  bool write(std::string_view bytes);
  Address local() const { return datagram_.to; }
  Address remote() const { return datagram_.from; }
  int address_index() const noexcept { return static_cast<int>(socket_); }
  std::shared_ptr<HandleBlock> handle_block() const;
  const Limits& limits() const noexcept;
  LoopCore& loop() const noexcept { return loop_; }

 private:
  LoopCore& loop_;
  const DatagramSocket socket_;
  const Datagram& datagram_;
};

// Receives for the sockets that this loop serves and runs `data` for each datagram; those of connections of our own
// making have names beyond the addresses' indices.
class Datagrams {
 public:
  explicit Datagrams(LoopCore& loop) noexcept : loop_(loop) {}

  void bind(int address_index, NativeSocket socket);
  // For a connection of our own making, which closes it.
  DatagramSocket bind(Connection& connection, NativeSocket socket);
  void close(DatagramSocket socket);
  void received(DatagramSocket socket, const Datagram& datagram);
  void refused(DatagramSocket socket, std::error_code error);
  bool send(DatagramSocket socket, const Datagram& datagram);
  void close();

 private:
  // Of those whose names lie beyond the addresses' indices.
  Connection* owner(DatagramSocket socket) noexcept;
  std::size_t addresses() const noexcept;

  LoopCore& loop_;
  std::vector<DatagramSocket> sockets_;  // open ones, by addresses' indices
  Slab<Connection*> owners_;
};

}  // namespace evio::inline v1
