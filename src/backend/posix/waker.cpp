#include "backend/posix/waker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <evio/error.hpp>

namespace evio { inline namespace v0 { namespace detail {

namespace {

int make() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0)
    throw Error(std::error_code(errno, std::generic_category()), "", "cannot open an eventfd");
  return fd;
}

void add_one(int fd) noexcept {
  const std::uint64_t one = 1;
  while (::write(fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void read_off(int fd) noexcept {
  std::uint64_t count = 0;
  while (::read(fd, &count, sizeof count) < 0 && errno == EINTR) {
  }
}

}  // namespace

EventFd::EventFd() : fd_(make()) {}

EventFd::~EventFd() {
  ::close(fd_);
  if (poll_eventfd_ >= 0) ::close(poll_eventfd_);
}

// A signal handler may call this, so it restores errno.
void EventFd::wake() noexcept {
  if (!maker_.is_this_process()) return;
  const int saved = errno;
  add_one(fd_);
  if (const int poll_eventfd = poll_eventfd_; poll_eventfd >= 0) add_one(poll_eventfd);
  errno = saved;
}

void EventFd::drain() noexcept { read_off(fd_); }

int EventFd::poll_eventfd() {
  if (poll_eventfd_ < 0) poll_eventfd_ = make();
  return poll_eventfd_;
}

void EventFd::clear() noexcept { read_off(poll_eventfd_); }

}}}  // namespace evio::v0::detail
