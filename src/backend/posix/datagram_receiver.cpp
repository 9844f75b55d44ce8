#include "backend/posix/datagram_receiver.hpp"

#include <cerrno>

#include "backend/posix/socket.hpp"

namespace evio { inline namespace v0 { namespace detail {

// The structures for recvmmsg(2) are filled in once; receive() resets only what the kernel changes.
DatagramReceiver::DatagramReceiver() {
  for (unsigned i = 0; i < batch; ++i) {
    pieces_[i] = {.iov_base = memory_.get() + i * largest, .iov_len = largest};
    msghdr& message = messages_[i].msg_hdr;
    message.msg_name = &senders_[i];
    message.msg_iov = &pieces_[i];
    message.msg_iovlen = 1;
    message.msg_control = controls_[i].bytes;
  }
}

unsigned DatagramReceiver::receive(const DatagramPort& port) noexcept {
  for (mmsghdr& message : messages_) {
    message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    message.msg_hdr.msg_controllen = datagram_control_size;
  }
  int count = 0;
  // A pending error of the socket, such as ECONNREFUSED, is returned once instead of datagrams that
  // wait. So the call is repeated after the first error.
  int troubles = 0;
  do {
    count = ::recvmmsg(port.fd, messages_.data(), batch, MSG_DONTWAIT, nullptr);
    if (count < 0 && errno == ECONNREFUSED) refused_ = true;
  } while (count < 0 && (errno == EINTR || (errno != EAGAIN && ++troubles < 2)));
  return count < 0 ? 0 : static_cast<unsigned>(count);
}

Address sender_of(const DatagramPort& port, const msghdr& message) {
  return from_sockaddr(static_cast<const sockaddr*>(message.msg_name), message.msg_namelen,
                       port.scheme);
}

}}}  // namespace evio::v0::detail
