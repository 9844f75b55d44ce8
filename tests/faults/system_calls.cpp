// The library's system calls: see symbols.txt.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>

#include "edge.hpp"
#include "faults.hpp"

namespace evio::test::faults { namespace {

// EAGAIN on a blocking descriptor would mean the expiry of a timeout that is not set.
bool blocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

std::size_t part_of(std::size_t size) { return size < 2 ? size : 1 + draw() % (size - 1); }

// The faults of every receive. If an edge was reported, everything that arrived before it must be
// read.
bool receive_fails(int fd, int flags) {
  if (happens(Fault::interrupted)) return fail_with({EINTR}) < 0;
  const bool may_be_reported_again =
      !reported_once() && ((flags & MSG_DONTWAIT) != 0 || !blocking(fd));
  return may_be_reported_again && happens(Fault::again) && fail_with({EAGAIN}) < 0;
}

bool send_fails(int fd, int flags) {
  if (happens(Fault::interrupted)) return fail_with({EINTR}) < 0;
  const bool may_be_full = (flags & MSG_DONTWAIT) != 0 || !blocking(fd);
  return may_be_full && happens(Fault::again) && fail_with({EAGAIN}) < 0;
}

// Only the first bytes of a send.
ssize_t send_part(int fd, const msghdr& message, int flags) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) size += message.msg_iov[i].iov_len;
  std::size_t left = part_of(size);
  std::array<iovec, 64> pieces;
  std::size_t count = 0;
  for (; left > 0; ++count) {
    pieces[count] = message.msg_iov[count];
    pieces[count].iov_len = std::min(pieces[count].iov_len, left);
    left -= pieces[count].iov_len;
  }
  msghdr part = message;
  part.msg_iov = pieces.data();
  part.msg_iovlen = count;
  return ::sendmsg(fd, &part, flags);
}

bool datagram_fails() {
  if (happens(Fault::interrupted)) return fail_with({EINTR}) < 0;
  return happens(Fault::datagram_refused) && fail_with({ENOBUFS, EPERM}) < 0;
}

}  // namespace

}  // namespace evio::test::faults

using namespace evio::test::faults;

extern "C" {

ssize_t evio_faulty_recv(int fd, void* to, std::size_t size, int flags) {
  if (receive_fails(fd, flags)) return -1;
  if (happens(Fault::receive_failed)) return fail_with({ECONNRESET, ETIMEDOUT, ENOMEM});
  if (!reported_once() && happens(Fault::short_receive)) size = part_of(size);
  return ::recv(fd, to, size, flags);
}

int evio_faulty_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  if (receive_fails(fd, flags)) return -1;
  if (!reported_once() && happens(Fault::short_receive))
    count = static_cast<unsigned>(part_of(count));
  return ::recvmmsg(fd, messages, count, flags, timeout);
}

ssize_t evio_faulty_send(int fd, const void* bytes, std::size_t size, int flags) {
  if (send_fails(fd, flags)) return -1;
  if (happens(Fault::send_failed)) return fail_with({ECONNRESET, EPIPE, ENOBUFS, ENOMEM});
  return ::send(fd, bytes, happens(Fault::short_send) ? part_of(size) : size, flags);
}

ssize_t evio_faulty_sendmsg(int fd, const msghdr* message, int flags) {
  if (message->msg_name) return datagram_fails() ? -1 : ::sendmsg(fd, message, flags);
  if (send_fails(fd, flags)) return -1;
  if (happens(Fault::send_failed)) return fail_with({ECONNRESET, EPIPE, ENOBUFS, ENOMEM});
  return happens(Fault::short_send) ? send_part(fd, *message, flags)
                                    : ::sendmsg(fd, message, flags);
}

int evio_faulty_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (datagram_fails()) return -1;
  return ::sendmmsg(fd, messages,
                    happens(Fault::short_send) ? static_cast<unsigned>(part_of(count)) : count,
                    flags);
}

int evio_faulty_accept4(int fd, sockaddr* peer, socklen_t* size, int flags) {
  if (happens(Fault::interrupted)) return fail_with({EINTR});
  if (happens(Fault::accept_aborted)) return fail_with({ECONNABORTED});
  if (happens(Fault::accept_refused)) return fail_with({EMFILE, ENFILE, ENOBUFS, ENOMEM});
  return ::accept4(fd, peer, size, flags);
}

int evio_faulty_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (operation == EPOLL_CTL_ADD && happens(Fault::watch_refused))
    return fail_with({ENOSPC, ENOMEM});
  return ::epoll_ctl(epoll, operation, fd, event);
}

int evio_faulty_epoll_wait(int epoll, epoll_event* events, int count, int timeout) {
  reported_once() = false;
  if (happens(Fault::interrupted)) return fail_with({EINTR});
  return ::epoll_wait(epoll, events, happens(Fault::few_events) ? 1 : count, timeout);
}

int evio_faulty_poll(pollfd* entries, nfds_t count, int timeout) {
  reported_once() = false;
  if (happens(Fault::interrupted)) return fail_with({EINTR});
  return ::poll(entries, count, timeout);
}

ssize_t evio_faulty_read(int fd, void* to, std::size_t size) {
  return happens(Fault::interrupted) ? fail_with({EINTR}) : ::read(fd, to, size);
}

ssize_t evio_faulty_write(int fd, const void* bytes, std::size_t size) {
  return happens(Fault::interrupted) ? fail_with({EINTR}) : ::write(fd, bytes, size);
}
}
