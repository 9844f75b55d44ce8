// Private. An io_uring instance: its set-up, what this kernel's can do, and entering it.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <evio/duration.hpp>
#include <string>

namespace evio::inline v1 {

class Ring {
 public:
  // Disabled until the thread that is to use it calls enable(). Throws Error.
  Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  void enable();

  // An entry to fill in; submits what is queued if the queue is full.
  io_uring_sqe* entry();
  bool queued() const noexcept { return io_uring_sq_ready(&ring_) > 0; }

  // Submits what is queued and runs what the kernel has finished; does not wait. Spares the system call if there is
  // nothing of either.
  void submit_and_reap();
  // The same, then waits for a completion until `timeout` has passed (negative: for ever). False: none came, since time
  // was up or for a signal.
  bool submit_and_wait(Duration timeout);
  // Brings completions that did not fit into the queue.
  void flush_overflow();

  // The completions that are there, first to last.
  template <class Fn>
  unsigned peek(Fn&& fn) const {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      fn(*completion);
      ++count;
    }
    return count;
  }
  bool take(io_uring_cqe& completion) noexcept;
  io_uring* native() noexcept { return &ring_; }

  // Why io_uring cannot be had here; empty if all that the driver needs works.
  static std::string what_is_missing();

 private:
  mutable io_uring ring_{};
};

}  // namespace evio::inline v1
