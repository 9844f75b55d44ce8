// The floor for readiness: epoll, level-triggered, one read per event into one buffer, written back
// at once. TCP echo, close, sink, broadcast; see floor-udp.cpp for UDP.
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "server.hpp"

namespace {

enum class Mode { echo, close, sink, broadcast };

struct Conn {
  int fd = -1;
  bool closing = false;
  std::size_t index = 0;  // in `all`
  std::string pending;    // what the kernel did not accept
};

class Server {
 public:
  Server(Mode mode, int listener) : mode_(mode), listener_(listener) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    bench::check(::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event), "epoll_ctl");
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      const int n = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < n; ++i) {
        auto* conn = static_cast<Conn*>(events[i].data.ptr);
        if (!conn) {
          accept();
          continue;
        }
        if (events[i].events & EPOLLOUT && !flush(*conn)) continue;
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read(*conn);
      }
    }
  }

 private:
  void accept() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      auto conn = std::make_unique<Conn>();
      conn->fd = fd;
      conn->index = all_.size();
      epoll_event event{.events = EPOLLIN, .data = {.ptr = conn.get()}};
      bench::check(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
      all_.push_back(std::move(conn));
    }
  }

  void read(Conn& conn) {
    const ssize_t n = ::recv(conn.fd, buffer_.data(), buffer_.size(), 0);
    if (n <= 0) {
      if (n == 0 || errno != EAGAIN) drop(conn);
      return;
    }
    const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(n));
    switch (mode_) {
      case Mode::echo:
        write(conn, bytes);
        return;
      case Mode::close:
        conn.closing = true;
        if (write(conn, bytes) && conn.pending.empty()) drop(conn);
        return;
      case Mode::sink:
        received_ += bytes.size();
        if (bytes.size() == 1) write(conn, bench::bytes_of(received_));
        return;
      case Mode::broadcast:
        for (std::size_t i = all_.size(); i-- > 0;) write(*all_[i], bytes);
        return;
    }
  }

  // False if the connection has closed.
  bool write(Conn& conn, std::string_view bytes) {
    if (!conn.pending.empty()) {
      conn.pending += bytes;
      return true;
    }
    const ssize_t n = ::send(conn.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return drop(conn);
    if (n != static_cast<ssize_t>(bytes.size())) {
      conn.pending = bytes.substr(n < 0 ? 0 : static_cast<std::size_t>(n));
      watch(conn, EPOLLOUT);  // no reading until it is sent
    }
    return true;
  }

  bool flush(Conn& conn) {
    const ssize_t n = ::send(conn.fd, conn.pending.data(), conn.pending.size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || drop(conn);
    conn.pending.erase(0, static_cast<std::size_t>(n));
    if (!conn.pending.empty()) return true;
    if (conn.closing) return drop(conn);
    watch(conn, EPOLLIN);
    return true;
  }

  void watch(Conn& conn, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.ptr = &conn}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, conn.fd, &event);
  }

  bool drop(Conn& conn) {
    ::close(conn.fd);
    const std::size_t index = conn.index;
    all_.back()->index = index;
    std::swap(all_[index], all_.back());
    all_.pop_back();
    return false;
  }

  Mode mode_;
  int listener_;
  int epoll_ = bench::check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  std::uint64_t received_ = 0;
  std::vector<std::unique_ptr<Conn>> all_;
  std::array<char, 64 << 10> buffer_{};
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  const std::string& mode = options.mode;
  if (options.udp || (mode != "echo" && mode != "close" && mode != "sink" && mode != "broadcast"))
    bench::unsupported(options);
  const int listener = bench::listen_tcp(options.port);
  const auto server = std::make_unique<Server>(mode == "echo"    ? Mode::echo
                                               : mode == "close" ? Mode::close
                                               : mode == "sink"  ? Mode::sink
                                                                 : Mode::broadcast,
                                               listener);
  bench::ready(bench::port_of(listener));
  server->run();
}
