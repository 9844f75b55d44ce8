#include "backend/posix/waker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <evio/error.hpp>

namespace evio::inline v1 {

EventFd::EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw Error(std::error_code(errno, std::system_category()), "", "an eventfd cannot be had");
}

EventFd::~EventFd() { ::close(fd_); }

// A signal handler may call this: errno is put back.
void EventFd::wake() noexcept {
  const int saved = errno;
  const std::uint64_t one = 1;
  while (::write(fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  errno = saved;
}

void EventFd::drain() noexcept {
  std::uint64_t count = 0;
  while (::read(fd_, &count, sizeof count) < 0 && errno == EINTR) {
  }
}

}  // namespace evio::inline v1
