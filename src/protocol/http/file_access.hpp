// What is asked of the kernel about files.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace evio { inline namespace v0 { namespace http {

/// An open descriptor.
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

struct FileStatus {
  bool is_regular = false;
  bool is_folder = false;
  std::uint64_t size = 0;
  std::chrono::system_clock::time_point modified{};
};

/// How long a call may take: `at_once` never waits for a disk, but may fail with
/// resource_unavailable_try_again.
enum class Patience { at_once, as_long_as_it_takes };

/// A folder to open others in.
Descriptor open_folder(const std::string& path, std::error_code& error) noexcept;
/// Opens for reading what is at the relative path below the folder: nothing leads out of it.
Descriptor open_below(const Descriptor& folder, const std::string& path, Patience patience,
                      std::error_code& error) noexcept;
FileStatus status_of(const Descriptor& file, std::error_code& error) noexcept;
/// The bytes read: fewer than `size` at the file's end, or with Patience::at_once.
std::size_t read_at(const Descriptor& file, std::uint64_t offset, char* to, std::size_t size,
                    Patience patience, std::error_code& error) noexcept;

}}}  // namespace evio::v0::http
