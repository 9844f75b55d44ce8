#include "sockets.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <evio/socket.hpp>
#include <system_error>
#include <vector>

#include "backend/posix/io.hpp"
#include "backend/posix/socket.hpp"

namespace evio::test {

using namespace detail;

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int open_socket(int family, int flags, int buffer) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) fail("socket");
  if (buffer == 0) return fd;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  return fd;
}

}  // namespace

Peer& Peer::operator=(Peer&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(received_, other.received_);
  std::swap(ended_, other.ended_);
  std::swap(error_, other.error_);
  std::swap(refused_, other.refused_);
  return *this;
}

std::size_t Peer::send(std::string_view bytes) {
  const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && errno != EAGAIN) refused_ = true;
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

void Peer::read(std::size_t most) {
  static thread_local std::vector<char> room(256 << 10);
  while (!ended_ && !error_ && most > 0) {
    const ssize_t count = ::recv(fd_, room.data(), std::min(most, room.size()), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) error_ = errno;
    if (count == 0) ended_ = true;
    if (count <= 0) return;
    received_.append(room.data(), static_cast<std::size_t>(count));
    most -= static_cast<std::size_t>(count);
  }
}

void Peer::shutdown_write() { ::shutdown(fd_, SHUT_WR); }

void Peer::reset() {
  reset_on_close(fd_);
  close();
}

void Peer::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Address Peer::local() const { return local_address(fd_, Address::Scheme::tcp); }

Pair tcp_pair(int buffer) {
  const Socket listener(open_socket(AF_INET, 0, buffer));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  if (::bind(listener.fd(), reinterpret_cast<sockaddr*>(&where), size) != 0) fail("bind");
  if (::listen(listener.fd(), 1) != 0) fail("listen");
  ::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&where), &size);
  Peer peer(open_socket(AF_INET, 0, buffer));
  if (::connect(peer.fd(), reinterpret_cast<sockaddr*>(&where), size) != 0) fail("connect");
  const int ours = ::accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (ours < 0) fail("accept");
  return {std::move(peer), {ours}};
}

Pair unix_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
    fail("socketpair");
  return {Peer(ends[0]), {ends[1]}};
}

Peer connect_to(const Address& address) {
  sockaddr_storage where{};
  socklen_t size = sizeof(sockaddr_un);
  if (address.is_unix()) {
    auto& local = reinterpret_cast<sockaddr_un&>(where);
    local.sun_family = AF_UNIX;
    std::strncpy(local.sun_path, address.host().c_str(), sizeof local.sun_path - 1);
  } else {
    to_sockaddr(address, where, size, AF_INET);
  }
  Peer peer(open_socket(where.ss_family, 0, 0));
  if (::connect(peer.fd(), reinterpret_cast<sockaddr*>(&where), size) != 0) fail("connect");
  return peer;
}

}  // namespace evio::test
