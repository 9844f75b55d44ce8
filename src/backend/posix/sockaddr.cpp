// The conversion between addresses and what the kernel calls them.
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "backend/posix/socket.hpp"

namespace evio { inline namespace v0 { namespace detail {
namespace {

using Scheme = Address::Scheme;

constexpr std::size_t ip4_offset = 12;  // of the IPv4 address in ::ffff:a.b.c.d

Address from_unix(const sockaddr* address, socklen_t size) {
  constexpr std::size_t offset = offsetof(sockaddr_un, sun_path);
  if (size <= offset) return Address::from_path("");
  std::string_view path(reinterpret_cast<const char*>(address) + offset, size - offset);
  if (path[0] == '\0') return Address::from_path("@" + std::string(path.substr(1)));
  return Address::from_path(path.substr(0, path.find('\0')));
}

}  // namespace

Address from_sockaddr(const sockaddr* address, socklen_t size, Scheme hint) {
  if (size < sizeof(sa_family_t)) return hint == Scheme::local ? Address::from_path("") : Address();
  if (address->sa_family == AF_UNIX) return from_unix(address, size);
  Address::Ip ip{};
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof in);
    ip[10] = ip[11] = 0xff;
    std::memcpy(ip.data() + ip4_offset, &in.sin_addr, sizeof in.sin_addr);
    return Address::from_ip(hint, ip, ntohs(in.sin_port));
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, address, sizeof in);
    std::memcpy(ip.data(), &in.sin6_addr, sizeof in.sin6_addr);
    return Address::from_ip(hint, ip, ntohs(in.sin6_port), in.sin6_scope_id);
  }
  return {};
}

bool to_sockaddr(const Address& address, sockaddr_storage& to, socklen_t& size,
                 int family) noexcept {
  to = {};
  bool any = !address.has_ip();
  if (address.is_unix() || (any && !address.host().empty())) return false;
  if (family == AF_INET) {
    if (!any && !address.is_ip4()) return false;
    auto& in = reinterpret_cast<sockaddr_in&>(to);
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port());
    std::memcpy(&in.sin_addr, address.ip().data() + ip4_offset, sizeof in.sin_addr);
    size = sizeof in;
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(to);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port());
    std::memcpy(&in.sin6_addr, address.ip().data(), sizeof in.sin6_addr);
    in.sin6_scope_id = address.scope();
    size = sizeof in;
  }
  return true;
}

Address local_address(int fd, Scheme hint) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return from_sockaddr(reinterpret_cast<const sockaddr*>(&address), size, hint);
}

}}}  // namespace evio::v0::detail
