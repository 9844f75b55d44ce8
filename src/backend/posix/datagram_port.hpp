// A udp socket, and the control data of its messages: the local address, and the size of segments.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <evio/address.hpp>

namespace evio { inline namespace v0 { namespace detail {

// The properties of a socket that all its datagrams share.
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

// The control data of a received message.
struct DatagramControl {
  // The destination; for a broadcast, the address of the interface that received it.
  Address to;
  // Not 0: the message is several datagrams of this size; the last one may be smaller (UDP_GRO).
  std::size_t segment_size = 0;
};
DatagramControl read_control(const DatagramPort& port, msghdr& message);

// Sets the source address of a message: a reply must come from the address that the peer used.
void put_source(msghdr& message, const DatagramPort& port, const Address& from) noexcept;
// Requests that the kernel splits the message into datagrams of this size (UDP_SEGMENT).
void put_segment_size(msghdr& message, std::uint16_t size) noexcept;

// Requests that the kernel combines datagrams of one sender into one message (UDP_GRO), if it can.
void receive_together(const DatagramPort& port) noexcept;
// Restores the default. A reader that does not evaluate the segment size needs single datagrams.
void receive_one_by_one(int fd) noexcept;

}}}  // namespace evio::v0::detail
