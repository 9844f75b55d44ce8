// Shared by the servers of the benchmark: the command line, sockets for those that make their own,
// and the report that a server is ready.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace bench {

// What a server does with its input. The first lines of each server say which modes it has.
//   echo       echoes it
//   close      echoes it, then closes the connection
//   sink       discards it; replies to a single byte with the count (8 bytes) of bytes or datagrams
//   broadcast  sends it to every connection
//   sends      another thread keeps sending 64 bytes to each connection
//   http       answers HTTP requests
//   posts      another thread keeps posting empty tasks; replies to a byte with their count
//   timers     keeps setting timers; replies to a byte with the number of times (8 bytes)
struct Options {
  int port = 0;
  std::string mode = "echo";
  bool udp = false;
  std::string backend = "automatic";  // evio only
  long busy_poll_us = 0;              // evio only
  int to = 0;                         // proxies only: the port of the target server
};

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline int check(int result, const char* what) {
  if (result < 0) die(what);
  return result;
}

// --port N --mode NAME --udp --backend NAME --busy-poll MICROSECONDS --to PORT
inline Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--udp") {
      options.udp = true;
      continue;
    }
    ++i;
    if (name == "--port") {
      options.port = std::atoi(value);
    } else if (name == "--mode") {
      options.mode = value;
    } else if (name == "--backend") {
      options.backend = value;
    } else if (name == "--busy-poll") {
      options.busy_poll_us = std::atol(value);
    } else if (name == "--to") {
      options.to = std::atoi(value);
    } else {
      std::fprintf(stderr, "unknown option %s\n", argv[i - 1]);
      std::exit(2);
    }
  }
  return options;
}

// Called for a mode that this server does not have: the harness's table of servers is wrong.
[[noreturn]] inline void unsupported(const Options& options) {
  std::fprintf(stderr, "no mode %s%s here\n", options.udp ? "udp " : "", options.mode.c_str());
  std::exit(2);
}

inline void ready(int port) {
  std::printf("ready %d\n", port);
  std::fflush(stdout);
}

inline int port_of(int fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  check(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  return ntohs(address.sin_port);
}

inline sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline int bound_socket(int type, int port) {
  const int fd = check(::socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  check(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  return fd;
}

// A listener on 127.0.0.1; connections inherit TCP_NODELAY.
inline int listen_tcp(int port, int flags = SOCK_NONBLOCK) {
  const int fd = bound_socket(SOCK_STREAM | flags, port);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  check(::listen(fd, 4096), "listen");
  return fd;
}

inline int bind_udp(int port, int flags = SOCK_NONBLOCK) {
  return bound_socket(SOCK_DGRAM | flags, port);
}

// The reply to a byte in the modes sink and posts.
inline std::string_view bytes_of(const std::uint64_t& count) {
  return {reinterpret_cast<const char*>(&count), sizeof count};
}

}  // namespace bench
