#include "backend/posix/datagram_io.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "backend/posix/socket.hpp"

namespace evio::inline v1 {

namespace {

constexpr std::size_t control_size = CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(in_pktinfo));

Address::Ip mapped(const in_addr& ip4) noexcept {
  Address::Ip ip{};
  ip[10] = ip[11] = 0xff;
  std::memcpy(&ip[12], &ip4, sizeof ip4);
  return ip;
}

// Where a datagram was sent to; for a broadcast, the address of ours that it reached.
Address destination(const DatagramPort& port, msghdr& message) {
  for (cmsghdr* item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
    if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(item), sizeof info);
      return Address::from_ip(port.scheme, mapped(info.ipi_spec_dst), port.port);
    }
    if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(item), sizeof info);
      Address::Ip ip;
      std::memcpy(ip.data(), &info.ipi6_addr, ip.size());
      const bool scoped = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr);
      return Address::from_ip(port.scheme, ip, port.port, scoped ? info.ipi6_ifindex : 0);
    }
  }
  return {};
}

template <class Info>
void put_control(msghdr& message, int level, int type, const Info& info) noexcept {
  message.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* item = CMSG_FIRSTHDR(&message);
  item->cmsg_level = level;
  item->cmsg_type = type;
  item->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(item), &info, sizeof info);
}

// Makes the datagram leave from the address that it answers for. A multicast group is nobody's own address.
void set_source(msghdr& message, const DatagramPort& port, const Address& from) noexcept {
  const Address::Ip& ip = from.ip();
  const bool multicast = from.is_ip4() ? (ip[12] & 0xf0) == 0xe0 : ip[0] == 0xff;
  if (!from.has_ip() || multicast) return;
  if (port.family == AF_INET) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, &ip[12], sizeof info.ipi_spec_dst);
    put_control(message, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, ip.data(), ip.size());
    info.ipi6_ifindex = from.scope();
    put_control(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

}  // namespace

DatagramPort::DatagramPort(int socket) : fd(socket) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size);
  family = own.ss_family;
  port = from_sockaddr(reinterpret_cast<sockaddr*>(&own), size, scheme).port();
}

ReceivedDatagram receive_datagram(const DatagramPort& port, std::span<char> into) {
  sockaddr_storage from{};
  alignas(cmsghdr) char control[control_size];
  iovec piece{.iov_base = into.data(), .iov_len = into.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count = 0;
  do count = ::recvmsg(port.fd, &message, MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  if (count < 0) return {.result = {.error = errno}};
  return {.result = {.count = static_cast<std::size_t>(count)},
          .from = from_sockaddr(reinterpret_cast<sockaddr*>(&from), message.msg_namelen, port.scheme),
          .to = destination(port, message)};
}

IoResult send_datagram(const DatagramPort& port, const Datagram& datagram) noexcept {
  sockaddr_storage to{};
  socklen_t size = 0;
  if (!to_sockaddr(datagram.to, to, size, port.family)) return {.error = EAFNOSUPPORT};
  alignas(cmsghdr) char control[control_size];
  iovec piece{.iov_base = const_cast<char*>(datagram.bytes.data()), .iov_len = datagram.bytes.size()};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = size;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  set_source(message, port, datagram.from);
  if (message.msg_controllen == 0) message.msg_control = nullptr;
  ssize_t count = 0;
  do count = ::sendmsg(port.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  if (count < 0) return {.error = errno};
  return {.count = static_cast<std::size_t>(count)};
}

}  // namespace evio::inline v1
