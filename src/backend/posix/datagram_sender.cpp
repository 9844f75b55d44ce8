#include "backend/posix/datagram_sender.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "backend/posix/socket.hpp"

namespace evio::inline v1 {

namespace {

constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
constexpr unsigned datagrams_max = 64;       // that every kernel cuts a message into
constexpr std::size_t message_max = 65'000;  // of several datagrams
constexpr std::size_t largest_ip4 = 65'507;
constexpr std::size_t largest_ip6 = 65'527;

std::size_t largest(const DatagramPort& port, const Datagram& datagram) noexcept {
  return port.family == AF_INET || datagram.to.is_ip4() ? largest_ip4 : largest_ip6;
}

}  // namespace

bool DatagramSender::add(const DatagramPort& port, const Datagram& datagram) {
  sockaddr_storage to;
  socklen_t to_size = 0;
  if (datagram.bytes.size() > largest(port, datagram) || !to_sockaddr(datagram.to, to, to_size, port.family))
    return false;
  if (fd_ != port.fd || used_ + datagram.bytes.size() > room) flush();
  if (!memory_) memory_ = std::make_unique_for_overwrite<char[]>(room);
  fd_ = port.fd;
  char* const place = std::copy(datagram.bytes.begin(), datagram.bytes.end(), memory_.get() + used_);
  if (!extends_last(to, to_size, datagram)) {
    if (count_ == batch) {
      flush();
      return add(port, datagram);
    }
    begin_run(port, to, to_size, datagram);
  }
  Run& run = runs_[count_ - 1];
  run.piece.iov_len += datagram.bytes.size();
  run.complete = datagram.bytes.size() < run.segment_size;
  ++run.datagrams;
  used_ = static_cast<std::size_t>(place - memory_.get());
  return true;
}

bool DatagramSender::extends_last(const sockaddr_storage& to, socklen_t to_size,
                                  const Datagram& datagram) const noexcept {
  if (count_ == 0) return false;
  const Run& last = runs_[count_ - 1];
  const std::size_t size = datagram.bytes.size();
  return !last.complete && size > 0 && size <= last.segment_size && last.segment_size <= largest_segment_ &&
         last.datagrams < datagrams_max && last.piece.iov_len + size <= message_max &&
         std::memcmp(&last.to, &to, to_size) == 0 && last.from == datagram.from.ip() &&
         last.from_scope == datagram.from.scope();
}

void DatagramSender::begin_run(const DatagramPort& port, const sockaddr_storage& to, socklen_t to_size,
                               const Datagram& datagram) {
  Run& run = runs_[count_];
  std::memcpy(&run.to, &to, to_size);
  run.from = datagram.from.ip();
  run.from_scope = datagram.from.scope();
  run.segment_size = datagram.bytes.size();
  run.datagrams = 0;
  run.piece = {.iov_base = memory_.get() + used_, .iov_len = 0};
  msghdr& message = messages_[count_].msg_hdr;
  message = {};
  message.msg_name = &run.to;
  message.msg_namelen = to_size;
  message.msg_iov = &run.piece;
  message.msg_iovlen = 1;
  message.msg_control = run.control;
  put_source(message, port, datagram.from);
  ++count_;
}

void DatagramSender::flush() noexcept {
  for (unsigned i = 0; i < count_; ++i)
    if (runs_[i].datagrams > 1)
      put_segment_size(messages_[i].msg_hdr, static_cast<std::uint16_t>(runs_[i].segment_size));
  for (unsigned next = 0; next < count_;) {
    const int sent = ::sendmmsg(fd_, &messages_[next], count_ - next, flags);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) refused(next++, errno);
    for (const unsigned end = next + static_cast<unsigned>(std::max(sent, 0)); next < end; ++next)
      count_sent(runs_[next]);
  }
  count_ = 0;
  used_ = 0;
}

void DatagramSender::count_sent(const Run& run) noexcept {
  tally_.sent += run.datagrams;
  tally_.bytes += run.piece.iov_len;
}

// It did not fit the way to its receiver when cut by the kernel; or there is no room, and then it is lost.
void DatagramSender::refused(unsigned index, int error) noexcept {
  const bool no_room = error == EAGAIN || error == ENOBUFS || error == ENOMEM;
  if (runs_[index].datagrams > 1 && !no_room) return send_one_by_one(index);
  tally_.dropped += runs_[index].datagrams;
}

void DatagramSender::send_one_by_one(unsigned index) noexcept {
  Run& run = runs_[index];
  largest_segment_ = run.segment_size - 1;
  msghdr& message = messages_[index].msg_hdr;
  message.msg_controllen -= CMSG_SPACE(sizeof(std::uint16_t));
  std::size_t rest = run.piece.iov_len;
  while (rest > 0) {
    run.piece.iov_len = std::min(rest, run.segment_size);
    rest -= run.piece.iov_len;
    ssize_t count = 0;
    do count = ::sendmsg(fd_, &message, flags);
    while (count < 0 && errno == EINTR);
    (count < 0 ? tally_.dropped : tally_.sent) += 1;
    tally_.bytes += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    run.piece.iov_base = static_cast<char*>(run.piece.iov_base) + run.piece.iov_len;
  }
}

DatagramTally DatagramSender::take_tally() noexcept { return std::exchange(tally_, {}); }

}  // namespace evio::inline v1
