#include "backend/uring/ring.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <evio/error.hpp>
#include <thread>

#include "backend/uring/buffer_ring.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

// The size of the queue of completions: enough for a burst of all connections. Smaller sizes are
// tried if the user may lock little memory, since older kernels count rings as locked.
constexpr unsigned completions[] = {16384, 4096, 1024};
constexpr unsigned completions_per_submission = 16;

constexpr unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                           IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                           IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED;

std::string failed(const char* what, int error) {
  return std::string(what) + ": " + std::generic_category().message(error);
}

// Tries a multishot receive into a provided buffer. That is the newest feature that the driver
// needs, so it implies the others. Trying is more reliable than comparing versions: a sandbox may
// forbid io_uring on any kernel.
std::string try_receiving() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0)
    return failed("socketpair", errno);
  std::string missing;
  try {
    Ring ring;
    ring.enable();
    BufferRing buffers(ring, 1);
    io_uring_sqe* entry = ring.entry();
    io_uring_prep_recv_multishot(entry, ends[0], nullptr, 0, 0);
    entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = BufferRing::group;
    ring.submit_and_reap();
    if (::write(ends[1], "x", 1) != 1) missing = failed("write", errno);
    ring.submit_and_wait(std::chrono::seconds(1));
    io_uring_cqe completion{};
    if (!ring.take(completion) || completion.res != 1 || !(completion.flags & IORING_CQE_F_MORE))
      missing = "multishot receive with provided buffers needs Linux 6.1 or later";
  } catch (const std::exception& error) {
    missing = error.what();
  }
  ::close(ends[0]);
  ::close(ends[1]);
  return missing;
}

}  // namespace

Ring::Ring() {
  int error = -ENOMEM;
  for (std::size_t i = 0; i < std::size(completions) && error == -ENOMEM; ++i) {
    io_uring_params params{};
    params.flags = flags;
    params.cq_entries = completions[i];
    error =
        io_uring_queue_init_params(completions[i] / completions_per_submission, &ring_, &params);
  }
  if (error == -ENOMEM)
    throw Error(std::error_code(ENOMEM, std::generic_category()), "",
                "io_uring may lock no more memory (see `ulimit -l`); use automatic or epoll");
  if (error < 0)
    throw Error(
        std::error_code(-error, std::generic_category()), "",
        "io_uring cannot be set up (forbidden, or a kernel before 6.1); use automatic or epoll");
}

Ring::~Ring() { io_uring_queue_exit(&ring_); }

void Ring::enable() {
  // By a system call, because the shared library of liburing 2.3 does not export
  // io_uring_enable_rings.
  ::syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  io_uring_register_ring_fd(&ring_);
}

// In a forked child the entry is a dummy: a real one would be submitted by the parent.
io_uring_sqe* Ring::entry() {
  alignas(io_uring_sqe) static std::array<char, sizeof(io_uring_sqe)> nowhere;
  if (is_copy()) return reinterpret_cast<io_uring_sqe*>(nowhere.data());
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  while (!entry) {
    io_uring_submit(&ring_);
    entry = io_uring_get_sqe(&ring_);
  }
  return entry;
}

void Ring::submit_and_reap() {
  if (is_copy()) return;
  if (queued())
    io_uring_submit_and_get_events(&ring_);
  else if (work_left())
    io_uring_get_events(&ring_);
}

bool Ring::submit_and_wait(Duration timeout) {
  io_uring_cqe* first = nullptr;
  __kernel_timespec until{};
  until.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(timeout).count();
  until.tv_nsec = (timeout % std::chrono::seconds(1)).count();
  io_uring_submit_and_wait_timeout(&ring_, &first, 1, timeout < Duration::zero() ? nullptr : &until,
                                   nullptr);
  return io_uring_cq_ready(&ring_) > 0;
}

// The kernel keeps completions for which the queue has no room. They are delivered when the queue
// is emptied, so the entries in it are moved aside first.
void Ring::flush_overflow() {
  while (IO_URING_READ_ONCE(*ring_.sq.kflags) & IORING_SQ_CQ_OVERFLOW) {
    for (io_uring_cqe completion; take_queued(completion);) aside_.push_back(completion);
    if (io_uring_get_events(&ring_) < 0) return;
  }
}

bool Ring::take(io_uring_cqe& completion) noexcept {
  if (aside_.empty()) return take_queued(completion);
  completion = aside_.front();
  aside_.pop_front();
  return true;
}

bool Ring::take_queued(io_uring_cqe& completion) noexcept {
  io_uring_cqe* first = nullptr;
  unsigned head = 0;
  io_uring_for_each_cqe(&ring_, head, first) {
    completion = *first;
    io_uring_cq_advance(&ring_, 1);
    return true;
  }
  return false;
}

std::string Ring::what_is_missing() {
  static std::atomic<bool> worked = false;
  if (worked) return {};
  // Tries it on a separate thread: some time after a ring is closed, the kernel interrupts a call
  // in which its thread waits, and the caller's thread should not get that EINTR.
  std::string missing;
  try {
    std::thread([&missing] { missing = try_receiving(); }).join();
  } catch (const std::system_error& error) {
    return std::string("cannot start a thread to try it: ") + error.what();
  }
  worked = missing.empty();
  return missing;
}

}}}  // namespace evio::v0::detail
