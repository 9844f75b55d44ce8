// The other side of a driver's sockets, non-blocking: the test moves both sides on one
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

  /// What the kernel takes of it; 0 when it takes nothing, or the other side is gone: what that
  /// sent can still be read.
  std::size_t send(std::string_view bytes);
  /// Takes what is there, at most `most` bytes.
  void read(std::size_t most = SIZE_MAX);
  /// What it read so far, and how that ended.
  const std::string& received() const noexcept { return received_; }
  bool ended() const noexcept { return ended_; }
  bool reset_seen() const noexcept { return error_ != 0 || (ended_ && refused_); }

  /// Nothing if the connection is broken.
  void shutdown_write();
  /// Closes with a reset.
  void reset();
  void close();
  Address local() const;
  int fd() const noexcept { return fd_; }

 private:
  int fd_ = -1;
  std::string received_;
  bool ended_ = false;
  int error_ = 0;
  bool refused_ = false;  // a send failed: the kernel tells the error only once
};

/// A peer and the socket that a driver takes over.
struct Pair {
  Peer peer;
  NativeSocket ours;
};

/// Over loopback. `buffer`: of the kernel, for each direction; 0: its choice.
Pair tcp_pair(int buffer = 0);
Pair unix_pair();

/// A connection to a listener; throws if it cannot be had.
Peer connect_to(const Address& address);

}  // namespace evio::test
