// The library's calls of liburing: see symbols.txt. Entries are changed before the kernel sees
// them, so that what it answers is always true: a send is asked to send less, a receive to end
// after one completion, or to take its buffer where there is none.
#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "edge.hpp"
#include "faults.hpp"

namespace evio::test::faults { namespace {

constexpr std::uint16_t no_such_group = 0xffff;
constexpr unsigned nop_injects_result = 1;  // IORING_NOP_INJECT_RESULT, of Linux 6.10

// Whether the kernel answers a nop with what it is told.
bool answers_as_told() {
  io_uring ring{};
  if (::io_uring_queue_init(1, &ring, 0) < 0) return false;
  io_uring_sqe* entry = io_uring_get_sqe(&ring);
  io_uring_prep_nop(entry);
  entry->rw_flags = nop_injects_result;
  entry->len = static_cast<unsigned>(-EINTR);
  io_uring_cqe* completion = nullptr;
  const bool told = ::io_uring_submit_and_wait(&ring, 1) == 1 &&
                    io_uring_peek_cqe(&ring, &completion) == 0 && completion->res == -EINTR;
  ::io_uring_queue_exit(&ring);
  return told;
}

// The entry does nothing and ends with this.
bool answer(io_uring_sqe& entry, int error) {
  static const bool possible = answers_as_told();
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

// Success would be silent: now it must be told how much it was.
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

// Changes what is queued, once each; how many entries the kernel is not to see yet.
unsigned prepare(io_uring& ring) {
  static thread_local io_uring* seen_ring = nullptr;
  static thread_local unsigned seen = 0;  // up to here they were changed
  told_once() = true;
  const unsigned first = *ring.sq.khead, last = ring.sq.sqe_tail;
  if (seen_ring != &ring || seen - first > last - first) seen = first;
  seen_ring = &ring;
  for (; seen != last; ++seen) change(ring.sq.sqes[seen & *ring.sq.kring_mask]);
  return last != first && happens(Fault::late_submission)
             ? static_cast<unsigned>(1 + draw() % (last - first))
             : 0;
}

// Calls with the last entries out of the kernel's sight.
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

// The kernel does not wait when it has not taken everything.
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
  told_once() = true;
  return ::io_uring_get_events(ring);
}
}
