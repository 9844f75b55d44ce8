// An io_uring instance: its set-up, what this kernel's can do, and entering it.
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
  // Disabled until the thread that is to use it calls enable(). Throws Error.
  Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  void enable();

  // In a child that was forked the ring is its parent's, memory included: what is asked of it here
  // goes nowhere.
  bool is_copy() const noexcept { return !maker_.is_this_process(); }

  // An entry to fill in; submits what is queued if the queue is full.
  io_uring_sqe* entry();
  bool queued() const noexcept { return io_uring_sq_ready(&ring_) > 0; }
  // The kernel has finished something that it has not told yet: it does so much in an entry, and
  // what had no room in the queue of completions waits there.
  bool work_left() const noexcept {
    return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) !=
           0;
  }

  // Submits what is queued and runs what the kernel has finished; does not wait. Spares the system
  // call if there is nothing of either.
  void submit_and_reap();
  // The same, then waits for a completion until `timeout` has passed (negative: for ever). False:
  // none came, since time was up or for a signal.
  bool submit_and_wait(Duration timeout);
  // Brings completions that did not fit into the queue, making room for them.
  void flush_overflow();

  // The completions that are there, first to last.
  template <class Fn>
  void peek(Fn&& fn) const {
    for (const io_uring_cqe& completion : aside_) fn(completion);
    unsigned head = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) fn(*completion);
  }
  bool take(io_uring_cqe& completion) noexcept;
  // How many.
  std::size_t ready() const noexcept { return aside_.size() + io_uring_cq_ready(&ring_); }
  io_uring* native() noexcept { return &ring_; }

  // Why io_uring cannot be had here; empty if all that the driver needs works.
  static std::string what_is_missing();

 private:
  bool take_queued(io_uring_cqe& completion) noexcept;

  const Maker maker_{};
  mutable io_uring ring_{};
  std::deque<io_uring_cqe> aside_;  // taken out of a queue that was full
};

}}}  // namespace evio::v0::detail
