// Private. Tells a foreign loop that a ring has something to reap.
#pragma once

#include "backend/posix/waker.hpp"

namespace evio::inline v1 {

class Ring;

// A ring's own descriptor is not readable before its completions are asked for; an eventfd that is registered with it
// is written to. But not when what completes was set off by writing to an eventfd, the waker: so both are watched.
class Bell {
 public:
  Bell(Ring& ring, EventFd& waker);  // throws Error
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  ~Bell();

  int fd() const noexcept { return fd_; }
  // Before the ring is reaped.
  void silence() noexcept;

 private:
  EventFd rung_;
  EventFd& waker_;
  int fd_;
};

}  // namespace evio::inline v1
