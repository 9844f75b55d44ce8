// UDP: echo with some datagrams in flight for each socket, and bulk in one direction.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "load.hpp"

namespace load {

namespace {

constexpr unsigned batch_max = 64;

// Sends and receives several datagrams by one system call.
class Batch {
 public:
  explicit Batch(std::size_t size) : out_(size, 'x') {
    for (unsigned i = 0; i < batch_max; ++i) {
      pieces_[i] = {in_[i].data(), in_[i].size()};
      received_[i].msg_hdr.msg_iov = &pieces_[i];
      received_[i].msg_hdr.msg_iovlen = 1;
      sent_[i].msg_hdr.msg_iov = &piece_;
      sent_[i].msg_hdr.msg_iovlen = 1;
    }
    piece_ = {out_.data(), out_.size()};
  }

  void send(int fd, unsigned count) {
    if (::sendmmsg(fd, sent_.data(), count, MSG_NOSIGNAL) != static_cast<int>(count))
      die("sendmmsg");
  }
  unsigned receive(int fd, unsigned count) {
    const int n = ::recvmmsg(fd, received_.data(), count, MSG_DONTWAIT, nullptr);
    return n < 0 ? 0 : static_cast<unsigned>(n);
  }

 private:
  std::string out_;
  iovec piece_{};
  std::array<std::array<char, 2048>, batch_max> in_{};
  std::array<iovec, batch_max> pieces_{};
  std::array<mmsghdr, batch_max> sent_{}, received_{};
};

}  // namespace

void udp_echo(const Options& options) {
  const unsigned depth = std::min(options.pipeline, batch_max);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  Batch batch(options.size);
  std::vector<int> sockets;
  for (unsigned i = 0; i < options.connections; ++i) {
    sockets.push_back(connect_udp(options));
    epoll_event event{.events = EPOLLIN, .data = {.fd = sockets.back()}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, sockets.back(), &event);
  }
  Window window(options);
  std::array<epoll_event, 512> events;
  std::uint64_t answered = 0;
  unsigned silences = 0;
  double heard = 0;  // nothing yet: the generator sends first
  bool busy = true;
  while (window.tick(static_cast<double>(answered), busy)) {
    if (window.time() > heard + 0.02) {  // all are lost, or none was sent yet
      ++silences;
      heard = window.time();
      for (const int fd : sockets) batch.send(fd, depth);
    }
    const int n = ::epoll_wait(epoll, events.data(), events.size(), 0);
    for (int e = 0; e < n; ++e) {
      const int fd = events[e].data.fd;
      if (const unsigned got = batch.receive(fd, depth)) {
        answered += got;
        batch.send(fd, got);
      }
    }
    busy = n > 0;
    if (busy) heard = window.time();
  }
  char more[40];
  std::snprintf(more, sizeof more, "\"silences\":%u", silences - 1);
  window.print(more);
}

// Datagrams are sent in batches of up to 64 KiB (GSO), as by a QUIC sender: the receiver may accept
// them as a batch, too (GRO), or one by one. A message is a datagram that the server received.
void udp_bulk(const Options& options) {
  const int fd = connect_udp(options);
  const int control = connect_udp(options);
  const int segment = static_cast<int>(options.size);
  if (::setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) < 0) die("UDP_SEGMENT");
  const std::string train(options.size * std::min<std::size_t>(64, 65000 / options.size), 'x');
  Window window(options);
  const auto send_for = [&](double seconds) {
    for (const double end = now() + seconds; now() < end;)
      for (int i = 0; i < 8; ++i)
        if (::send(fd, train.data(), train.size(), MSG_NOSIGNAL) < 0) die("send");
  };
  send_for(options.warm_up);
  window.begin(static_cast<double>(ask_count(control, true)));
  send_for(options.seconds);
  window.end(static_cast<double>(ask_count(control, true)));
  window.print();
}

}  // namespace load
