// Ends a wait from another thread or a signal handler, by an eventfd.
#pragma once

#include <atomic>

#include "backend/driver.hpp"
#include "backend/posix/process.hpp"

namespace evio { inline namespace v0 { namespace detail {

class EventFd final : public Waker {
 public:
  EventFd();  // throws Error
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;
  ~EventFd() override;

  void wake() noexcept override;  // nothing in a child that was forked: who waits is its parent
  void drain() noexcept;
  int fd() const noexcept { return fd_; }

  // A second one, made when first asked for, that wake() writes to as well, and others may.
  int poll_eventfd();  // throws Error
  void clear() noexcept;

 private:
  const Maker maker_{};
  const int fd_;
  std::atomic<int> bell_{-1};
};

}}}  // namespace evio::v0::detail
