// The peers of a driver's sockets. They are non-blocking, so that a test can run both sides on one
// thread.
#pragma once

#include <cstddef>
#include <evio/address.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "backend/driver.hpp"

namespace evio::test {

using namespace detail;

/// One end of a stream.
class Peer {
 public:
  Peer() = default;
  explicit Peer(int fd) : fd_(fd) {}
  Peer(Peer&& other) noexcept { *this = std::move(other); }
  Peer& operator=(Peer&& other) noexcept;
  ~Peer() { close(); }

  /// Sends what the kernel accepts and returns its size; 0 if it accepts nothing or the other side
  /// is gone, whose bytes can still be read.
  std::size_t send(std::string_view bytes);
  /// Reads at most `most` bytes of what has arrived.
  void read(std::size_t most = SIZE_MAX);
  /// What was read so far, and how the stream ended.
  const std::string& received() const noexcept { return received_; }
  bool ended() const noexcept { return ended_; }
  bool reset_seen() const noexcept { return error_ != 0 || (ended_ && refused_); }

  /// Does nothing if the connection is broken.
  void shutdown_write();
  /// Closes the connection by a reset.
  void reset();
  void close();
  Address local() const;
  int fd() const noexcept { return fd_; }

 private:
  int fd_ = -1;
  std::string received_;
  bool ended_ = false;
  int error_ = 0;
  bool refused_ = false;  // a send failed: the kernel reports the error only once
};

/// A peer, and the socket for the driver.
struct Pair {
  Peer peer;
  NativeSocket ours;
};

/// A pair of TCP sockets over loopback. `buffer` is the size of the kernel's buffer in each
/// direction; 0 leaves it to the kernel.
Pair tcp_pair(int buffer = 0);
Pair unix_pair();

/// A connection to a listener; throws if it cannot be made.
Peer connect_to(const Address& address);

}  // namespace evio::test
