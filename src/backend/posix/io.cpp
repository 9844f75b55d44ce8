#include "backend/posix/io.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "backend/posix/process.hpp"
#include "backend/posix/socket.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

template <class Call>
IoResult retried(Call&& call) noexcept {
  for (;;) {
    const ssize_t count = call();
    if (count >= 0) return {.count = static_cast<std::size_t>(count)};
    if (errno != EINTR) return {.error = errno};
  }
}

// Whether an error of accept(2) concerns only the connection that was to be accepted. accept(2)
// passes pending network errors of that connection on; the next one may succeed.
bool gone_before_accepted(int error) noexcept {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case EPERM:  // rejected by a firewall
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

int option(int fd, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : 0;
}

// Ends the connection of a socket; for TCP with a reset. False for a unix socket.
bool disconnect(int fd) noexcept {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  return ::connect(fd, &nobody, sizeof nobody) == 0;
}

bool resets_on_close(int fd) noexcept {
  linger how{};
  socklen_t size = sizeof how;
  return ::getsockopt(fd, SOL_SOCKET, SO_LINGER, &how, &size) == 0 && how.l_onoff != 0 &&
         how.l_linger == 0;
}

// Makes a udp socket receive nothing, even if other processes have copies of it. Disconnecting
// releases a port that the kernel chose. A port that was bound explicitly remains; then the socket
// is connected to itself, so that it receives from no other address.
void stop_receiving(int fd) noexcept {
  disconnect(fd);
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0)
    ::connect(fd, reinterpret_cast<sockaddr*>(&own), size);
}

}  // namespace

bool IoResult::again() const noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

IoResult receive(int fd, std::span<char> into) noexcept {
  return retried([&] { return ::recv(fd, into.data(), into.size(), 0); });
}

IoResult send(int fd, std::span<const Chunk> chunks) noexcept {
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  if (chunks.size() == 1)  // the usual case; send(2) costs less than sendmsg(2)
    return retried([&] { return ::send(fd, chunks[0].data, chunks[0].size, flags); });
  std::array<iovec, 64> pieces;
  const std::size_t count = std::min(chunks.size(), pieces.size());
  for (std::size_t i = 0; i < count; ++i)
    pieces[i] = {.iov_base = const_cast<char*>(chunks[i].data), .iov_len = chunks[i].size};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  return retried([&] { return ::sendmsg(fd, &message, flags); });
}

Accepted accept(int fd, bool unix_socket) {
  for (;;) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int accepted =
        ::accept4(fd, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted >= 0) {
      const auto scheme = unix_socket ? Address::Scheme::local : Address::Scheme::tcp;
      return {.fd = accepted,
              .peer = from_sockaddr(reinterpret_cast<sockaddr*>(&peer), size, scheme)};
    }
    if (!gone_before_accepted(errno)) return {.error = errno};
  }
}

bool accept_must_wait(int error) noexcept { return error != EAGAIN && error != EWOULDBLOCK; }

int pending_error(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

// SIOCOUTQ also counts bytes that were sent but not acknowledged: these may still be lost.
bool nothing_unsent_or_unread(int fd) noexcept {
  int unsent = 0;
  int unread = 0;
  if (::ioctl(fd, SIOCOUTQ, &unsent) < 0 || ::ioctl(fd, SIOCINQ, &unread) < 0) return false;
  return unsent == 0 && unread == 0;
}

// With a linger time of 0, close(2) discards unsent bytes and sends a reset.
void reset_on_close(int fd) noexcept {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

// shutdown(2) ends the connection even if a child has a copy of the descriptor. NoForkNow prevents
// a fork between the check and the close.
void close_stream(int fd, std::uint32_t forks_before) noexcept {
  const NoForkNow guard;
  if (forks() != forks_before && (!resets_on_close(fd) || !disconnect(fd)))
    ::shutdown(fd, SHUT_RDWR);
  ::close(fd);
}

void close_datagrams(int fd) noexcept {
  const NoForkNow guard;
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (forks() > 0 && ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0)
    disconnect(fd);
  ::close(fd);
}

void stop_serving(int fd) noexcept {
  if (option(fd, SO_TYPE) == SOCK_DGRAM) return stop_receiving(fd);
  ::shutdown(fd, SHUT_RDWR);
  if (!is_unix(fd)) return;
  // On a unix socket the connections in the backlog survive the shutdown, so they are closed here.
  for (;;) {
    const int waiting = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (waiting < 0) return;
    ::close(waiting);
  }
}

void make_blocking(int fd) noexcept { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK); }

void make_ready(int fd) noexcept {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

std::error_code cannot_be_polled(int fd) noexcept {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return {errno, std::generic_category()};
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return {};
  return {EPERM, std::generic_category()};
}

bool is_unix(int fd) noexcept {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

}}}  // namespace evio::v0::detail
