#include "backend/posix/datagram_port.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <cstring>

#include "backend/posix/socket.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

static_assert(datagram_control_size >= CMSG_SPACE(sizeof(in6_pktinfo)) +
                                           CMSG_SPACE(sizeof(in_pktinfo)) +
                                           CMSG_SPACE(sizeof(int)));

Address::Ip mapped(const in_addr& ip4) noexcept {
  Address::Ip ip{};
  ip[10] = ip[11] = 0xff;
  std::memcpy(&ip[12], &ip4, sizeof ip4);
  return ip;
}

template <class Value>
Value value_of(cmsghdr* item) noexcept {
  Value value;
  std::memcpy(&value, CMSG_DATA(item), sizeof value);
  return value;
}

bool is(const cmsghdr* item, int level, int type) noexcept {
  return item->cmsg_level == level && item->cmsg_type == type;
}

// Appends a control item after those that are there.
template <class Value>
void put(msghdr& message, int level, int type, const Value& value) noexcept {
  auto* item =
      reinterpret_cast<cmsghdr*>(static_cast<char*>(message.msg_control) + message.msg_controllen);
  message.msg_controllen += CMSG_SPACE(sizeof value);
  item->cmsg_level = level;
  item->cmsg_type = type;
  item->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(item), &value, sizeof value);
}

// A multicast address cannot be the source of a datagram.
bool can_be_source(const Address& from) noexcept {
  if (!from.has_ip()) return false;
  return from.is_ip4() ? (from.ip()[12] & 0xf0) != 0xe0 : from.ip()[0] != 0xff;
}

}  // namespace

DatagramPort::DatagramPort(int socket) : fd(socket) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size);
  family = own.ss_family;
  port = from_sockaddr(reinterpret_cast<sockaddr*>(&own), size, scheme).port();
}

DatagramControl read_control(const DatagramPort& port, msghdr& message) {
  DatagramControl control;
  for (cmsghdr* item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
    if (is(item, IPPROTO_IP, IP_PKTINFO)) {
      const auto info = value_of<in_pktinfo>(item);
      control.to = Address::from_ip(port.scheme, mapped(info.ipi_spec_dst), port.port);
    } else if (is(item, IPPROTO_IPV6, IPV6_PKTINFO)) {
      const auto info = value_of<in6_pktinfo>(item);
      Address::Ip ip;
      std::memcpy(ip.data(), &info.ipi6_addr, ip.size());
      const bool scoped = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr);
      control.to = Address::from_ip(port.scheme, ip, port.port, scoped ? info.ipi6_ifindex : 0);
    } else if (is(item, IPPROTO_UDP, UDP_GRO)) {
      control.segment_size = static_cast<std::size_t>(value_of<int>(item));
    }
  }
  return control;
}

void put_source(msghdr& message, const DatagramPort& port, const Address& from) noexcept {
  if (!can_be_source(from)) return;
  if (port.family == AF_INET) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, &from.ip()[12], sizeof info.ipi_spec_dst);
    put(message, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, from.ip().data(), from.ip().size());
    info.ipi6_ifindex = from.scope();
    put(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

void put_segment_size(msghdr& message, std::uint16_t size) noexcept {
  put(message, IPPROTO_UDP, UDP_SEGMENT, size);
}

void receive_together(const DatagramPort& port) noexcept {
  const int on = 1;
  ::setsockopt(port.fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
}

void receive_one_by_one(int fd) noexcept {
  const int off = 0;
  ::setsockopt(fd, IPPROTO_UDP, UDP_GRO, &off, sizeof off);
}

}}}  // namespace evio::v0::detail
