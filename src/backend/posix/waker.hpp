// Private. Ends a wait from another thread or a signal handler, by an eventfd.
#pragma once

#include "backend/driver.hpp"

namespace evio::inline v1 {

class EventFd final : public Waker {
 public:
  EventFd();  // throws Error
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;
  ~EventFd() override;

  void wake() noexcept override;
  void drain() noexcept;
  int fd() const noexcept { return fd_; }

 private:
  const int fd_;
};

}  // namespace evio::inline v1
