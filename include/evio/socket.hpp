// Socket: owns a descriptor, such as that of a detached connection.
#pragma once

#include <cstddef>
#include <evio/export.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace evio { inline namespace v0 {

/// Owns a socket's descriptor and closes it when destroyed. Events::detached passes a connection's
/// socket as one; Binding and Loop::adopt take one over.
///
///     .detached = [](evio::Conn&, evio::Socket socket) {
///       std::thread([socket = std::move(socket)]() mutable { talk(socket); }).detach();
///     }
///
/// read and write block, so never call them on a loop's thread. One thread at a time may use it;
/// movable to another thread.
class EVIO_API Socket {
 public:
  Socket() noexcept = default;  ///< owns no descriptor
  /// Takes ownership of the descriptor; -1: none.
  explicit Socket(int fd) noexcept : fd_(fd) {}
  /// Takes ownership of the descriptor, with bytes that were received from it already: read()
  /// returns them first.
  Socket(int fd, std::string buffered) noexcept : fd_(fd), buffered_(std::move(buffered)) {}
  /// Leaves `other` without a descriptor.
  Socket(Socket&& other) noexcept;
  /// Closes its own descriptor, and leaves `other` without one.
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  /// Blocks until there are bytes, and stores at most `size` of them at `to`. Returns their number,
  /// 0 at the end of the peer's stream. Throws Error.
  std::size_t read(void* to, std::size_t size);
  /// As read(void*, std::size_t).
  std::size_t read(std::span<std::byte> to) { return read(to.data(), to.size()); }
  /// Blocks until the kernel has accepted all bytes; returns their number. Throws Error; never
  /// raises SIGPIPE.
  std::size_t write(std::string_view bytes);
  /// As write(std::string_view), for raw bytes.
  std::size_t write(std::span<const std::byte> bytes);

  /// Bytes that were received before the socket became yours, that no handler took, and that read()
  /// has not returned yet.
  std::string_view buffered() const noexcept { return std::string_view(buffered_).substr(taken_); }
  /// The descriptor, which stays owned by this object; -1 if there is none.
  int fd() const noexcept { return fd_; }
  /// Returns the descriptor and gives up ownership: you close it. Bytes in buffered() would be
  /// lost; look there first.
  int release() noexcept;

 private:
  int fd_ = -1;
  std::string buffered_;
  std::size_t taken_ = 0;  // how much of buffered_ read() has given out
};

}}  // namespace evio::v0
