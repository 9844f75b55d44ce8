// Blocking clients over plain sockets. Every call gives up after the hang guard and throws if it
// fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/address.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace evio::test {

/// Sizes of the kernel's socket buffers in bytes, set before connecting; 0 leaves them to the
/// kernel.
struct Buffers {
  int receive = 0;
  int send = 0;
};

/// So small that a server sees a full socket after a few kilobytes if the peer does not read.
inline constexpr Buffers tiny{.receive = 4096, .send = 4096};

/// A connected stream socket.
class Client {
 public:
  static Client tcp4(std::uint16_t port, Buffers buffers = {}) {
    return tcp4("127.0.0.1", port, buffers);
  }
  static Client tcp4(const std::string& ip, std::uint16_t port, Buffers buffers = {});
  static Client tcp6(std::uint16_t port, Buffers buffers = {});
  static Client local(const std::string& path);
  /// Connects to a bound address over loopback.
  static Client to(const Address& address, Buffers buffers = {});
  /// A tcp4 socket that is not connected yet: its descriptor number is known before the connect.
  static Client unconnected(Buffers buffers = {});

  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Client& operator=(Client&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Client() { close(); }

  void bind(const std::string& ip);
  void connect(std::uint16_t port);

  /// Sends all bytes.
  void send(std::string_view bytes);
  /// Sends what the kernel takes immediately and returns its size; 0 if the socket is full.
  std::size_t send_some(std::string_view bytes);
  /// Receives exactly n bytes.
  std::string receive(std::size_t n);
  /// Receives at least one byte and at most n; empty at the end.
  std::string receive_some(std::size_t n = 64 << 10);

  /// What arrived until the end, and how it ended: 0 for an orderly end, else the errno.
  struct Rest {
    std::string bytes;
    int error = 0;
  };
  Rest receive_rest();
  /// Whether there is nothing to read for now: neither bytes nor an end.
  bool silent() const;

  void shutdown_write();
  /// Closes the connection by a reset.
  void reset();
  void close();

  int fd() const noexcept { return fd_; }
  std::uint16_t port() const;
  /// The number of segments with data that were received from the peer's kernel (TCP_INFO).
  unsigned data_segments() const;

 private:
  explicit Client(int fd) : fd_(fd) {}

  int fd_;
};

/// A datagram socket, connected or not.
class UdpClient {
 public:
  static UdpClient udp4() { return UdpClient(4); }
  static UdpClient udp6() { return UdpClient(6); }
  /// Bound to a port of IPv4 loopback before it sends.
  static UdpClient bound() { return UdpClient(4, true); }
  UdpClient(const UdpClient&) = delete;
  ~UdpClient();

  /// From now on only datagrams of `ip`:`port` are received.
  void connect(const std::string& ip, std::uint16_t port);
  /// Sends over loopback if no `ip` is given.
  void send_to(std::uint16_t port, std::string_view bytes, const std::string& ip = {});

  struct Datagram {
    std::string bytes;
    std::string from_ip;
    std::uint16_t from_port = 0;
  };
  Datagram receive();
  /// Whether there is nothing to read for now.
  bool silent() const;

  int fd() const noexcept { return fd_; }
  std::uint16_t port() const;

 private:
  explicit UdpClient(int family, bool bound = false);

  int family_;
  int fd_;
};

}  // namespace evio::test
