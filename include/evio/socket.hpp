// A connected socket that is yours.
#pragma once

#include <cstddef>
#include <evio/export.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace evio { inline namespace v0 {

/// Owns a descriptor; closes it when destroyed. Blocking. What Events::detached is given. One
/// thread at a time.
class EVIO_API Socket {
 public:
  Socket() noexcept = default;
  /// Owns the descriptor; -1: none.
  explicit Socket(int fd) noexcept : fd_(fd) {}
  /// With bytes that were received from it already: read() gives them first.
  Socket(int fd, std::string buffered) noexcept : fd_(fd), buffered_(std::move(buffered)) {}
  /// Leaves `other` without a descriptor.
  Socket(Socket&& other) noexcept;
  /// Closes what it had; leaves `other` without a descriptor.
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  /// Blocks until there is something; how many bytes were put at `to`, 0 at the peer's end. Throws
  /// Error.
  std::size_t read(void* to, std::size_t size);
  /// The same.
  std::size_t read(std::span<std::byte> to) { return read(to.data(), to.size()); }
  /// Blocks until everything is written; returns its size. Throws Error; never raises SIGPIPE.
  std::size_t write(std::string_view bytes);
  /// The same.
  std::size_t write(std::span<const std::byte> bytes);

  /// What was received but not taken before the socket became yours, and not read since.
  std::string_view buffered() const noexcept { return std::string_view(buffered_).substr(taken_); }
  /// The descriptor, still owned; -1 if there is none.
  int fd() const noexcept { return fd_; }
  /// Gives the descriptor up: closing it is now yours. Look at buffered() first.
  int release() noexcept;

 private:
  int fd_ = -1;
  std::string buffered_;
  std::size_t taken_ = 0;  // how much of buffered_ read() has given out
};

}}  // namespace evio::v0
