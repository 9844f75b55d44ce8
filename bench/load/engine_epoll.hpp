// Streams by epoll, with one system call per message.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <vector>

#include "load.hpp"

namespace load {

class EpollEngine {
 public:
  explicit EpollEngine(const std::vector<int>& sockets)
      : sockets_(sockets), unsent_(sockets.size()) {
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      set_blocking(sockets[i], false);
      watch(i, EPOLL_CTL_ADD, EPOLLIN);
    }
  }

  // The bytes must stay valid.
  void send(std::size_t i, std::string_view bytes) {
    const ssize_t n = ::send(sockets_[i], bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) die("send");
    bytes.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
    const bool waited = !unsent_[i].empty();
    unsent_[i] = bytes;
    if (waited != !bytes.empty())
      watch(i, EPOLL_CTL_MOD, bytes.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
  }

  // Calls received(i, bytes) for what has arrived; does not wait. False if nothing has.
  template <class Received>
  bool poll(Received&& received) {
    const int n = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 0);
    for (int e = 0; e < n; ++e) {
      const std::size_t i = events_[e].data.u64;
      if (events_[e].events & EPOLLOUT) send(i, unsent_[i]);
      if (!(events_[e].events & ~static_cast<unsigned>(EPOLLOUT))) continue;
      // The kernel drops the bytes without copying them.
      const ssize_t bytes = ::recv(sockets_[i], nullptr, 1 << 20, MSG_TRUNC);
      if (bytes == 0 || (bytes < 0 && errno != EAGAIN)) die("recv");
      if (bytes > 0) received(i, static_cast<std::size_t>(bytes));
    }
    return n > 0;
  }

 private:
  void watch(std::size_t i, int operation, unsigned events) {
    epoll_event event{.events = events, .data = {.u64 = i}};
    if (::epoll_ctl(epoll_, operation, sockets_[i], &event) < 0) die("epoll_ctl");
  }

  const std::vector<int>& sockets_;
  std::vector<std::string_view> unsent_;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::array<epoll_event, 512> events_{};
};

}  // namespace load
