// The library's calls of liburing: see symbols.txt. Entries are changed before the kernel sees
// them, so that the kernel's results are always true: a send is shortened, a receive ends after one
// completion, or requests a buffer where none is left.
#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "edge.hpp"
#include "faults.hpp"

namespace evio::test::faults { namespace {

constexpr std::uint16_t no_such_group = 0xffff;
constexpr unsigned nop_injects_result = 1;  // IORING_NOP_INJECT_RESULT, of Linux 6.10

// Whether the kernel completes a nop with a requested result.
bool completes_nops_as_requested() {
  io_uring ring{};
  if (::io_uring_queue_init(1, &ring, 0) < 0) return false;
  io_uring_sqe* entry = io_uring_get_sqe(&ring);
  io_uring_prep_nop(entry);
  entry->rw_flags = nop_injects_result;
  entry->len = static_cast<unsigned>(-EINTR);
  io_uring_cqe* completion = nullptr;
  const bool completed = ::io_uring_submit_and_wait(&ring, 1) == 1 &&
                         io_uring_peek_cqe(&ring, &completion) == 0 && completion->res == -EINTR;
  ::io_uring_queue_exit(&ring);
  return completed;
}

// Turns the entry into a nop that completes with this result.
bool answer(io_uring_sqe& entry, int error) {
  static const bool possible = completes_nops_as_requested();
  if (!possible) return false;
  const std::uint64_t user_data = entry.user_data;
  const std::uint8_t flags = entry.flags & IOSQE_CQE_SKIP_SUCCESS;
  io_uring_prep_nop(&entry);
  entry.rw_flags = nop_injects_result;
  entry.len = static_cast<unsigned>(error);
  entry.flags = flags;
  entry.user_data = user_data;
  return true;
}

// A successful send would post no completion: now its size must be reported.
void shorten(io_uring_sqe& entry) {
  if (entry.opcode == IORING_OP_SEND) {
    if (entry.len < 2) return;
    entry.len = static_cast<unsigned>(1 + draw() % (entry.len - 1));
  } else {
    msghdr& message = *reinterpret_cast<msghdr*>(entry.addr);
    if (message.msg_iovlen < 2) return;
    message.msg_iovlen = 1 + draw() % (message.msg_iovlen - 1);
  }
  entry.flags &= static_cast<std::uint8_t>(~IOSQE_CQE_SKIP_SUCCESS);
}

void change_send(io_uring_sqe& entry) {
  if (happens(Fault::again) && answer(entry, -EAGAIN)) return;
  if (happens(Fault::send_failed)) {
    fail_with({ECONNRESET, EPIPE, ENOBUFS, ENOMEM});
    if (answer(entry, -errno)) return;
  }
  if (happens(Fault::short_send)) shorten(entry);
}

void change_receive(io_uring_sqe& entry) {
  if (happens(Fault::entry_interrupted) && answer(entry, -EINTR)) return;
  if (happens(Fault::receive_failed)) {
    fail_with({ECONNRESET, ETIMEDOUT, ENOMEM});
    if (answer(entry, -errno)) return;
  }
  if (happens(Fault::no_buffers)) entry.buf_group = no_such_group;
  if (happens(Fault::multishot_ended))
    entry.ioprio &= static_cast<std::uint16_t>(~IORING_RECV_MULTISHOT);
}

void change(io_uring_sqe& entry) {
  switch (entry.opcode) {
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG:
      return change_send(entry);
    case IORING_OP_RECV:
      return change_receive(entry);
    case IORING_OP_POLL_ADD:
      if (happens(Fault::multishot_ended)) entry.len &= ~IORING_POLL_ADD_MULTI;
      return;
    default:
      return;
  }
}

// Changes each queued entry once; returns how many entries to withhold from the kernel.
unsigned prepare(io_uring& ring) {
  static thread_local io_uring* seen_ring = nullptr;
  static thread_local unsigned seen = 0;  // entries up to here were changed
  reported_once() = true;
  const unsigned first = *ring.sq.khead, last = ring.sq.sqe_tail;
  if (seen_ring != &ring || seen - first > last - first) seen = first;
  seen_ring = &ring;
  for (; seen != last; ++seen) change(ring.sq.sqes[seen & *ring.sq.kring_mask]);
  return last != first && happens(Fault::late_submission)
             ? static_cast<unsigned>(1 + draw() % (last - first))
             : 0;
}

// Calls while the last entries are withheld from the kernel.
template <class Call>
int without_last(io_uring& ring, unsigned hidden, Call call) {
  ring.sq.sqe_tail -= hidden;
  const int result = call();
  ring.sq.sqe_tail += hidden;
  return result;
}

}  // namespace

}  // namespace evio::test::faults

using namespace evio::test::faults;

extern "C" {

int evio_faulty_io_uring_queue_init_params(unsigned entries, io_uring* ring,
                                           io_uring_params* params) {
  if (const unsigned few = ring_entries()) entries = params->cq_entries = few;
  return ::io_uring_queue_init_params(entries, ring, params);
}

int evio_faulty_io_uring_submit(io_uring* ring) {
  return without_last(*ring, prepare(*ring), [&] { return ::io_uring_submit(ring); });
}

int evio_faulty_io_uring_submit_and_get_events(io_uring* ring) {
  return without_last(*ring, prepare(*ring),
                      [&] { return ::io_uring_submit_and_get_events(ring); });
}

// The kernel does not wait if it has not accepted all entries.
int evio_faulty_io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** first,
                                                 unsigned count, __kernel_timespec* timeout,
                                                 sigset_t* mask) {
  const unsigned hidden = prepare(*ring);
  if (hidden == 0 && !happens(Fault::interrupted))
    return ::io_uring_submit_and_wait_timeout(ring, first, count, timeout, mask);
  without_last(*ring, hidden, [&] { return ::io_uring_submit_and_get_events(ring); });
  return hidden > 0 ? -EAGAIN : -EINTR;
}

int evio_faulty_io_uring_get_events(io_uring* ring) {
  reported_once() = true;
  return ::io_uring_get_events(ring);
}
}
