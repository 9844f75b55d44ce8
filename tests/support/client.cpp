#include "client.hpp"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "waiting.hpp"

namespace evio::test {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

SocketAddress ip4(const std::string& ip, std::uint16_t port) {
  SocketAddress address{{}, sizeof(sockaddr_in)};
  auto& in = reinterpret_cast<sockaddr_in&>(address.storage);
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  if (inet_pton(AF_INET, ip.c_str(), &in.sin_addr) != 1) throw std::invalid_argument(ip);
  return address;
}

SocketAddress ip6(const std::string& ip, std::uint16_t port) {
  SocketAddress address{{}, sizeof(sockaddr_in6)};
  auto& in = reinterpret_cast<sockaddr_in6&>(address.storage);
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  if (inet_pton(AF_INET6, ip.c_str(), &in.sin6_addr) != 1) throw std::invalid_argument(ip);
  return address;
}

std::uint16_t port_of(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
}

std::string ip_of(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr, text,
              sizeof text);
  else
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr, text,
              sizeof text);
  return text;
}

std::uint16_t own_port(int fd) {
  SocketAddress own{{}, sizeof(sockaddr_storage)};
  if (getsockname(fd, own.get(), &own.size) != 0) fail("getsockname");
  return port_of(own);
}

bool nothing_to_read(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return ::poll(&ready, 1, 0) == 0;
}

int open_socket(int family, int type) {
  const int fd = ::socket(family, type | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const timeval guard{hang_guard.count(), 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &guard, sizeof guard);
  return fd;
}

int open_stream(int family, Buffers buffers) {
  const int fd = open_socket(family, SOCK_STREAM);
  if (buffers.receive)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffers.receive, sizeof buffers.receive);
  if (buffers.send) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffers.send, sizeof buffers.send);
  return fd;
}

void connect_socket(int fd, const SocketAddress& address) {
  while (::connect(fd, address.get(), address.size) != 0) {
    if (errno != EINTR) fail("connect");
  }
}

}  // namespace

Client Client::tcp4(const std::string& ip, std::uint16_t port, Buffers buffers) {
  Client client(open_stream(AF_INET, buffers));
  connect_socket(client.fd_, ip4(ip, port));
  return client;
}

Client Client::tcp6(std::uint16_t port, Buffers buffers) {
  Client client(open_stream(AF_INET6, buffers));
  connect_socket(client.fd_, ip6("::1", port));
  return client;
}

Client Client::local(const std::string& path) {
  SocketAddress address{{}, sizeof(sockaddr_un)};
  auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
  un.sun_family = AF_UNIX;
  if (path.size() >= sizeof un.sun_path) throw std::invalid_argument("path too long: " + path);
  std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
  Client client(open_stream(AF_UNIX, {}));
  connect_socket(client.fd_, address);
  return client;
}

Client Client::to(const Address& address, Buffers buffers) {
  if (address.is_unix()) return local(address.host());
  const bool six = address.scheme() == Address::Scheme::tcp6 || address.host() == "::1";
  return six ? tcp6(address.port(), buffers) : tcp4(address.port(), buffers);
}

Client Client::unconnected(Buffers buffers) { return Client(open_stream(AF_INET, buffers)); }

void Client::bind(const std::string& ip) {
  const SocketAddress own = ip4(ip, 0);
  if (::bind(fd_, own.get(), own.size) != 0) fail("bind");
}

void Client::connect(std::uint16_t port) { connect_socket(fd_, ip4("127.0.0.1", port)); }

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("send");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::size_t Client::send_some(std::string_view bytes) {
  const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n >= 0) return static_cast<std::size_t>(n);
  if (errno == EAGAIN || errno == EINTR) return 0;
  fail("send");
}

std::string Client::receive(std::size_t n) {
  std::string bytes(n, '\0');
  std::size_t have = 0;
  while (have < n) {
    const ssize_t got = ::recv(fd_, bytes.data() + have, n - have, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("receive");
    if (got == 0)
      throw std::runtime_error("the peer ended after " + std::to_string(have) + " of " +
                               std::to_string(n) + " bytes");
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::string Client::receive_some(std::size_t n) {
  std::string bytes(n, '\0');
  ssize_t got = 0;
  do {
    got = ::recv(fd_, bytes.data(), n, 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) fail("receive");
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

Client::Rest Client::receive_rest() {
  Rest rest;
  std::string part(256 << 10, '\0');
  while (true) {
    const ssize_t got = ::recv(fd_, part.data(), part.size(), 0);
    if (got == 0) return rest;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) fail("no end came");
    if (got < 0) {
      rest.error = errno;
      return rest;
    }
    rest.bytes.append(part, 0, static_cast<std::size_t>(got));
  }
}

bool Client::silent() const { return nothing_to_read(fd_); }

void Client::shutdown_write() {
  if (::shutdown(fd_, SHUT_WR) != 0) fail("shutdown");
}

void Client::reset() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Client::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::uint16_t Client::port() const { return own_port(fd_); }

unsigned Client::data_segments() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) fail("TCP_INFO");
  return info.tcpi_data_segs_in;
}

UdpClient::UdpClient(int family, bool bound)
    : family_(family), fd_(open_socket(family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM)) {
  // Room for the largest datagram, whatever the system's default.
  const int room = 1 << 20;
  setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  const SocketAddress own = ip4("127.0.0.1", 0);
  if (bound && ::bind(fd_, own.get(), own.size) < 0) fail("bind");
}

UdpClient::~UdpClient() { ::close(fd_); }

void UdpClient::connect(const std::string& ip, std::uint16_t port) {
  connect_socket(fd_, family_ == 6 ? ip6(ip, port) : ip4(ip, port));
}

void UdpClient::send_to(std::uint16_t port, std::string_view bytes, const std::string& ip) {
  const SocketAddress to =
      family_ == 6 ? ip6(ip.empty() ? "::1" : ip, port) : ip4(ip.empty() ? "127.0.0.1" : ip, port);
  if (::sendto(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL, to.get(), to.size) < 0)
    fail("sendto");
}

UdpClient::Datagram UdpClient::receive() {
  std::string bytes(66'000, '\0');
  SocketAddress from{{}, sizeof(sockaddr_storage)};
  ssize_t got = 0;
  do {
    got = ::recvfrom(fd_, bytes.data(), bytes.size(), 0, from.get(), &from.size);
  } while (got < 0 && errno == EINTR);
  if (got < 0) fail("recvfrom");
  bytes.resize(static_cast<std::size_t>(got));
  return {std::move(bytes), ip_of(from), port_of(from)};
}

bool UdpClient::silent() const { return nothing_to_read(fd_); }

std::uint16_t UdpClient::port() const { return own_port(fd_); }

}  // namespace evio::test
