#include "backend/posix/datagram_sender.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "backend/posix/socket.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
constexpr unsigned segments_max = 64;        // the limit of UDP_SEGMENT in older kernels
constexpr std::size_t message_max = 65'000;  // the size of a message of several datagrams
constexpr unsigned looked_back = 8;          // so many of the latest runs are searched
constexpr std::size_t largest_ip4 = 65'507;
constexpr std::size_t largest_ip6 = 65'527;

std::size_t largest(const DatagramPort& port, const Datagram& datagram) noexcept {
  return port.family == AF_INET || datagram.to.is_ip4() ? largest_ip4 : largest_ip6;
}

}  // namespace

bool DatagramSender::add(const DatagramPort& port, const Datagram& datagram) {
  sockaddr_storage to;
  socklen_t to_size = 0;
  const std::size_t size = datagram.bytes.size();
  if (size > largest(port, datagram) || !to_sockaddr(datagram.to, to, to_size, port.family))
    return false;
  if (!memory_) memory_ = std::make_unique_for_overwrite<char[]>(room);
  if (fd_ != port.fd || used_ + size > room || count_ == datagrams_max || run_count_ == runs_max)
    flush();
  fd_ = port.fd;
  const unsigned index = run_for(port, to, to_size, datagram);
  Run& run = runs_[index];
  run.size += size;
  run.complete = size < run.segment_size;
  ++run.datagrams;
  std::copy(datagram.bytes.begin(), datagram.bytes.end(), memory_.get() + used_);
  used_ += size;
  queued_[count_++] = {.run = index, .size = size};
  return true;
}

// Finds the latest run to the same address, if the datagram fits into it, or begins a new one. Only
// the latest run to that address is considered: adding to an earlier one would change the order.
unsigned DatagramSender::run_for(const DatagramPort& port, const sockaddr_storage& to,
                                 socklen_t to_size, const Datagram& datagram) {
  for (unsigned back = 1; back <= std::min(run_count_, looked_back); ++back) {
    const Run& run = runs_[run_count_ - back];
    if (std::memcmp(&run.to, &to, to_size) != 0) continue;
    if (fits(run, datagram)) return run_count_ - back;
    break;
  }
  Run& run = runs_[run_count_];
  std::memcpy(&run.to, &to, to_size);
  run.from = datagram.from.ip();
  run.from_scope = datagram.from.scope();
  run.segment_size = datagram.bytes.size();
  run.size = 0;
  run.datagrams = 0;
  msghdr& message = messages_[run_count_].msg_hdr;
  message = {};
  message.msg_name = &run.to;
  message.msg_namelen = to_size;
  message.msg_control = run.control;
  put_source(message, port, datagram.from);
  return run_count_++;
}

bool DatagramSender::fits(const Run& run, const Datagram& datagram) const noexcept {
  const std::size_t size = datagram.bytes.size();
  return !run.complete && size > 0 && size <= run.segment_size &&
         run.segment_size <= largest_segment_ && run.datagrams < segments_max &&
         run.size + size <= message_max && run.from == datagram.from.ip() &&
         run.from_scope == datagram.from.scope();
}

void DatagramSender::flush() noexcept {
  lay_out();
  for (unsigned next = 0; next < run_count_;) {
    const int sent = ::sendmmsg(fd_, &messages_[next], run_count_ - next, flags);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) refused(next++, errno);
    for (const unsigned end = next + static_cast<unsigned>(std::max(sent, 0)); next < end; ++next)
      count_sent(runs_[next]);
  }
  count_ = run_count_ = 0;
  used_ = 0;
}

// Fills the array of pieces: those of each run together, in the order in which they were added.
void DatagramSender::lay_out() noexcept {
  iovec* place = pieces_.data();
  for (unsigned i = 0; i < run_count_; ++i) {
    messages_[i].msg_hdr.msg_iov = std::exchange(place, place + runs_[i].datagrams);
    if (runs_[i].datagrams > 1)
      put_segment_size(messages_[i].msg_hdr, static_cast<std::uint16_t>(runs_[i].segment_size));
  }
  char* data = memory_.get();
  for (unsigned i = 0; i < count_; ++i) {
    msghdr& message = messages_[queued_[i].run].msg_hdr;
    message.msg_iov[message.msg_iovlen++] = {.iov_base = data, .iov_len = queued_[i].size};
    data += queued_[i].size;
  }
}

void DatagramSender::count_sent(const Run& run) noexcept {
  tally_.sent += run.datagrams;
  tally_.bytes += run.size;
}

// The kernel has rejected a message. If it consists of several datagrams, these may be too large
// for the path (with UDP_SEGMENT the kernel does not fragment), so they are sent one by one. If the
// kernel has no memory, they are dropped.
void DatagramSender::refused(unsigned index, int error) noexcept {
  const bool no_room = error == EAGAIN || error == ENOBUFS || error == ENOMEM;
  refused_ = refused_ || error == ECONNREFUSED;  // an error of an earlier datagram
  if (runs_[index].datagrams > 1 && !no_room && error != ECONNREFUSED)
    return send_one_by_one(index);
  tally_.dropped += runs_[index].datagrams;
}

void DatagramSender::send_one_by_one(unsigned index) noexcept {
  largest_segment_ = runs_[index].segment_size - 1;
  msghdr& message = messages_[index].msg_hdr;
  message.msg_controllen -= CMSG_SPACE(sizeof(std::uint16_t));
  message.msg_iovlen = 1;
  for (unsigned i = 0; i < runs_[index].datagrams; ++i, ++message.msg_iov) {
    ssize_t count = 0;
    do count = ::sendmsg(fd_, &message, flags);
    while (count < 0 && errno == EINTR);
    (count < 0 ? tally_.dropped : tally_.sent) += 1;
    tally_.bytes += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
}

DatagramTally DatagramSender::take_tally() noexcept { return std::exchange(tally_, {}); }

}}}  // namespace evio::v0::detail
