// Sockets of the load generator.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "load.hpp"
#include "websocket.hpp"

namespace load {

namespace {

sockaddr_in address(std::uint32_t host, int port) {
  sockaddr_in all{};
  all.sin_family = AF_INET;
  all.sin_addr.s_addr = htonl(host);
  all.sin_port = htons(static_cast<std::uint16_t>(port));
  return all;
}

void connect_to(int fd, int port) {
  const sockaddr_in server = address(INADDR_LOOPBACK, port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) < 0) die("connect");
}

bool readable(int fd, int milliseconds) {
  pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, milliseconds) > 0;
}

std::size_t receive_some(int fd, char* to, std::size_t n) {
  if (!readable(fd, 5000)) {
    std::fprintf(stderr, "load: no answer\n");
    std::exit(1);
  }
  const ssize_t got = ::recv(fd, to, n, 0);
  if (got <= 0) {
    std::fprintf(stderr, "load: the server closed the connection\n");
    std::exit(1);
  }
  return static_cast<std::size_t>(got);
}

}  // namespace

int connect_tcp(const Options& options, unsigned index) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const int on = 1;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const sockaddr_in local = address(INADDR_LOOPBACK + 1 + index % 128, 0);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) < 0) die("bind");
  connect_to(fd, options.port);
  return fd;
}

std::vector<int> connect_all(const Options& options) {
  std::vector<int> all;
  for (unsigned i = 0; i < options.connections; ++i) all.push_back(connect_tcp(options, i));
  if (options.websocket) upgrade_all(all);
  return all;
}

int connect_udp(const Options& options) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  connect_to(fd, options.port);
  return fd;
}

void set_blocking(int fd, bool blocking) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) die("send");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string receive_exactly(int fd, std::size_t n) {
  std::string all(n, '\0');
  for (std::size_t got = 0; got < n;) got += receive_some(fd, all.data() + got, n - got);
  return all;
}

std::string receive_until(int fd, std::string_view end) {
  std::string all;
  char piece[1024];
  while (!all.ends_with(end)) all.append(piece, receive_some(fd, piece, sizeof piece));
  return all;
}

std::string to_server(std::string_view message, const Options& options) {
  return options.websocket ? client_frame(message) : std::string(message);
}

std::string from_server(std::string_view message, const Options& options) {
  return options.websocket ? server_frame(message) : std::string(message);
}

std::uint64_t ask_count(int fd, bool udp) {
  std::uint64_t count = 0;
  while (udp && ::recv(fd, &count, sizeof count, MSG_DONTWAIT) >= 0)
    continue;  // a late reply to an earlier request
  do {
    if (::send(fd, "?", 1, MSG_NOSIGNAL) < 0) die("send");
  } while (udp && !readable(fd, 20));
  if (udp) {
    if (::recv(fd, &count, sizeof count, 0) != sizeof count) die("recv");
  } else {
    std::memcpy(&count, receive_exactly(fd, sizeof count).data(), sizeof count);
  }
  return count;
}

}  // namespace load
