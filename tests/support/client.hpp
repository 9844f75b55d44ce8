// Blocking peers over plain sockets. Every call gives up after the hang guard; what fails is
// thrown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/address.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace evio::test {

/// Buffer sizes of the kernel, in bytes, set before connecting; 0: its choice.
struct Buffers {
  int receive = 0;
  int send = 0;
};

/// Small enough for a server to feel a peer that does not read after a few kilobytes.
inline constexpr Buffers tiny{.receive = 4096, .send = 4096};

/// A connected stream.
class Client {
 public:
  static Client tcp4(std::uint16_t port, Buffers buffers = {}) {
    return tcp4("127.0.0.1", port, buffers);
  }
  static Client tcp4(const std::string& ip, std::uint16_t port, Buffers buffers = {});
  static Client tcp6(std::uint16_t port, Buffers buffers = {});
  static Client local(const std::string& path);
  /// A bound address over loopback.
  static Client to(const Address& address, Buffers buffers = {});
  /// A tcp4 socket that is not connected yet: its descriptor exists already.
  static Client unconnected(Buffers buffers = {});

  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Client& operator=(Client&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Client() { close(); }

  void bind(const std::string& ip);
  void connect(std::uint16_t port);

  /// All of it.
  void send(std::string_view bytes);
  /// What the kernel takes at once; 0: nothing for now.
  std::size_t send_some(std::string_view bytes);
  /// Exactly n bytes.
  std::string receive(std::size_t n);
  /// What is there, at least one byte and at most n; empty at the end.
  std::string receive_some(std::size_t n = 64 << 10);

  /// What came until the end, and how it ended: 0 orderly, else the errno.
  struct Rest {
    std::string bytes;
    int error = 0;
  };
  Rest receive_rest();
  /// Nothing to read for now: neither bytes nor an end.
  bool silent() const;

  void shutdown_write();
  /// Closes with a reset.
  void reset();
  void close();

  int fd() const noexcept { return fd_; }
  std::uint16_t port() const;
  /// Segments with data that the peer's kernel sent us (TCP_INFO).
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
  /// Over IPv4, on a port of loopback that it has before it sends.
  static UdpClient bound() { return UdpClient(4, true); }
  UdpClient(const UdpClient&) = delete;
  ~UdpClient();

  /// Only what `ip`:`port` sends is received from now on.
  void connect(const std::string& ip, std::uint16_t port);
  /// Over loopback when no `ip` is given.
  void send_to(std::uint16_t port, std::string_view bytes, const std::string& ip = {});

  struct Datagram {
    std::string bytes;
    std::string from_ip;
    std::uint16_t from_port = 0;
  };
  Datagram receive();
  /// Nothing to read for now.
  bool silent() const;

  int fd() const noexcept { return fd_; }
  std::uint16_t port() const;

 private:
  explicit UdpClient(int family, bool bound = false);

  int family_;
  int fd_;
};

}  // namespace evio::test
