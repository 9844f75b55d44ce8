// A Waker that ends a wait by writing to an eventfd.
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

  // Does nothing in a forked child: the eventfd is shared, and would wake the parent's loop.
  void wake() noexcept override;
  // Reads the eventfd, so that it is not readable any more.
  void drain() noexcept;
  int fd() const noexcept { return fd_; }

  // A second eventfd, for a foreign loop to wait for. It is made by the first call; wake() writes
  // to it, too, and so does io_uring. Throws Error.
  int poll_eventfd();
  // Reads the second eventfd.
  void clear() noexcept;

 private:
  const Maker maker_{};
  const int fd_;
  std::atomic<int> poll_eventfd_{-1};
};

}}}  // namespace evio::v0::detail
