// The system calls for files: the only place of the HTTP component that uses them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace evio { inline namespace v0 { namespace http {

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

/// The part of stat(2) that is needed.
struct FileStatus {
  bool is_regular = false;
  bool is_folder = false;
  std::uint64_t size = 0;
  std::chrono::system_clock::time_point modified{};
};

/// Whether a call may wait for a disk. With `at_once` it does not wait, and fails with
/// resource_unavailable_try_again where it would have to.
enum class Timeout { at_once, as_long_as_it_takes };

/// Opens a directory for open_below.
Descriptor open_folder(const std::string& path, std::error_code& error) noexcept;
/// Opens the file at a relative path below the directory for reading. Neither ".." nor a symbolic
/// link leads out of the directory: the kernel checks it, because a check of the text could not see
/// links, nor a link that is made between the check and the opening.
Descriptor open_below(const Descriptor& folder, const std::string& path, Timeout timeout,
                      std::error_code& error) noexcept;
FileStatus status_of(const Descriptor& file, std::error_code& error) noexcept;
/// Reads into `to` and returns the number of bytes: fewer than `size` at the end of the file, and
/// with Patience::at_once.
std::size_t read_at(const Descriptor& file, std::uint64_t offset, char* to, std::size_t size,
                    Timeout timeout, std::error_code& error) noexcept;

}}}  // namespace evio::v0::http
