// Socket: a socket that the user owns, for example after Action::detach.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <evio/error.hpp>
#include <evio/socket.hpp>
#include <utility>

namespace evio { inline namespace v0 {
namespace {

[[noreturn]] void fail(const char* problem) {
  throw Error({errno, std::generic_category()}, {}, problem);
}

// Whether a failed call must be repeated. If the descriptor is non-blocking, this waits until it is
// ready. In blocking mode EAGAIN means that a timeout of the user's (SO_RCVTIMEO) has passed, which
// is an error.
bool try_again(int fd, short event) {
  if (errno == EINTR) return true;
  if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
  if (!(fcntl(fd, F_GETFL) & O_NONBLOCK)) return false;
  pollfd waiting{fd, event, 0};
  return poll(&waiting, 1, -1) >= 0 || errno == EINTR;
}

}  // namespace

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      buffered_(std::exchange(other.buffered_, {})),
      taken_(std::exchange(other.taken_, 0)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  Socket moved(std::move(other));  // its destructor closes the previous descriptor of *this
  std::swap(fd_, moved.fd_);
  std::swap(buffered_, moved.buffered_);
  std::swap(taken_, moved.taken_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

std::size_t Socket::read(void* to, std::size_t size) {
  if (std::string_view first = buffered().substr(0, size); !first.empty()) {
    std::memcpy(to, first.data(), first.size());
    taken_ += first.size();
    return first.size();
  }
  for (;;) {
    ssize_t n = recv(fd_, to, size, 0);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (!try_again(fd_, POLLIN)) fail("cannot read from the socket");
  }
}

std::size_t Socket::write(std::string_view bytes) {
  std::string_view left = bytes;
  while (!left.empty()) {
    ssize_t n = send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
    if (n >= 0)
      left.remove_prefix(static_cast<std::size_t>(n));
    else if (!try_again(fd_, POLLOUT))
      fail("cannot write to the socket");
  }
  return bytes.size();
}

std::size_t Socket::write(std::span<const std::byte> bytes) {
  return write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

int Socket::release() noexcept { return std::exchange(fd_, -1); }

}}  // namespace evio::v0
