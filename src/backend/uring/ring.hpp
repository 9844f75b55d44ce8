// An io_uring instance: its set-up, the check for the features of this kernel, and entering it.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <deque>
#include <evio/duration.hpp>
#include <string>

#include "backend/posix/process.hpp"

namespace evio { inline namespace v0 { namespace detail {

class Ring {
 public:
  // The ring is disabled until the thread that will use it calls enable():
  // IORING_SETUP_SINGLE_ISSUER ties it to that thread. Throws Error.
  Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  void enable();

  // Whether this object is a copy in a forked child. The ring, including its shared memory, belongs
  // to the parent then, so calls do nothing.
  bool is_copy() const noexcept { return !maker_.is_this_process(); }

  // Returns an entry to be filled in. Submits the queue first if it is full.
  io_uring_sqe* entry();
  bool queued() const noexcept { return io_uring_sq_ready(&ring_) > 0; }
  // Whether the kernel has completions that are not in the queue yet: work that it defers until it
  // is entered, or completions for which the queue had no room.
  bool work_left() const noexcept {
    return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) !=
           0;
  }

  // Submits the queued entries and gets completions, without waiting. Makes no system call if there
  // is nothing to do.
  void submit_and_reap();
  // Submits the queued entries and waits for a completion, at most `timeout` (negative: without a
  // limit). False if there is none: the time has passed, or a signal has arrived.
  bool submit_and_wait(Duration timeout);
  // Gets all completions, including those that did not fit into the queue.
  void flush_overflow();

  // Calls fn for all completions in order, without removing them.
  template <class Fn>
  void peek(Fn&& fn) const {
    for (const io_uring_cqe& completion : aside_) fn(completion);
    unsigned head = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) fn(*completion);
  }
  // Removes the first completion. False if there is none.
  bool take(io_uring_cqe& completion) noexcept;
  // The number of completions.
  std::size_t ready() const noexcept { return aside_.size() + io_uring_cq_ready(&ring_); }
  io_uring* native() noexcept { return &ring_; }

  // Why io_uring is not available here; empty if everything that the driver needs works.
  static std::string what_is_missing();

 private:
  bool take_queued(io_uring_cqe& completion) noexcept;

  const Maker maker_{};
  mutable io_uring ring_{};
  std::deque<io_uring_cqe> aside_;  // removed from the queue by flush_overflow
};

}}}  // namespace evio::v0::detail
