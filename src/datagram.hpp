// Private. A loop's udp sockets, and the Conn that a handler sees for one datagram.
#pragma once

#include <cstdint>
#include <evio/conn.hpp>
#include <vector>

#include "backend/driver.hpp"
#include "handle_block.hpp"

namespace evio::inline v1 {

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
  LoopCore& loop() const noexcept { return loop_; }

 private:
  LoopCore& loop_;
  const DatagramSocket socket_;
  const Datagram& datagram_;
};

// Receives for the sockets that this loop serves and runs `data` for each datagram.
class Datagrams {
 public:
  explicit Datagrams(LoopCore& loop) noexcept : loop_(loop) {}

  void bind(int address_index, NativeSocket socket);
  void received(DatagramSocket socket, const Datagram& datagram);
  bool send(DatagramSocket socket, const Datagram& datagram);
  void close();

 private:
  LoopCore& loop_;
  std::vector<DatagramSocket> sockets_;  // open ones
};

}  // namespace evio::inline v1
