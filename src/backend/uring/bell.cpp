#include "backend/uring/bell.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <evio/error.hpp>

#include "backend/uring/ring.hpp"

namespace evio::inline v1 {

Bell::Bell(Ring& ring, EventFd& waker) : waker_(waker), fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  bool watched = fd_ >= 0;
  for (const int fd : {rung_.fd(), waker_.fd()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    watched = watched && ::epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) == 0;
  }
  if (!watched) {
    const std::error_code error(errno, std::system_category());
    if (fd_ >= 0) ::close(fd_);
    throw Error(error, "", "a descriptor for a foreign loop cannot be had");
  }
  io_uring_register_eventfd(ring.native(), rung_.fd());
}

Bell::~Bell() { ::close(fd_); }

void Bell::silence() noexcept {
  rung_.drain();
  waker_.drain();
}

}  // namespace evio::inline v1
