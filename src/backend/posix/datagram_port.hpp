// A udp socket, and what the kernel says beside a datagram: the address of ours that it
// concerns.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <evio/address.hpp>

namespace evio { inline namespace v0 { namespace detail {

// What is the same for all datagrams of a socket.
struct DatagramPort {
  int fd = -1;
  int family = 0;
  std::uint16_t port = 0;
  Address::Scheme scheme = Address::Scheme::udp;

  DatagramPort() = default;
  explicit DatagramPort(int socket);
};

// Room for the control data of one message: an address, and the size of segments.
constexpr std::size_t datagram_control_size = 128;

// What came with a message.
struct DatagramControl {
  Address to;  // where it was sent to; for a broadcast, the address of ours that it reached
  std::size_t segment_size =
      0;  // it is several datagrams of this size, the last perhaps smaller; 0: it is one
};
DatagramControl read_control(const DatagramPort& port, msghdr& message);

// Makes a message without control data leave from the address that it answers for.
void put_source(msghdr& message, const DatagramPort& port, const Address& from) noexcept;
// Has it cut into datagrams of this size.
void put_segment_size(msghdr& message, std::uint16_t size) noexcept;

// Asks for datagrams of one sender that came together in one message, where the kernel can do that.
void receive_together(const DatagramPort& port) noexcept;
// As it is by itself: a reader that does not ask how many a message is must get them one by one.
void receive_one_by_one(int fd) noexcept;

}}}  // namespace evio::v0::detail
