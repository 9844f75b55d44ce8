// The system calls for files.
#include "protocol/http/file_access.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace evio { inline namespace v0 { namespace http {

namespace {

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
// The old descriptor is closed by `other`.
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

// O_PATH: the directory is only a base for openat2, and need not be readable.
Descriptor open_folder(const std::string& path, std::error_code& error) noexcept {
  Descriptor folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  error = folder.get() < 0 ? last_error() : std::error_code();
  return folder;
}

Descriptor open_below(const Descriptor& folder, const std::string& path, Timeout timeout,
                      std::error_code& error) noexcept {
  open_how how{};
  // O_NONBLOCK: opening a named pipe would wait for a writer.
  how.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  // RESOLVE_CACHED fails instead of waiting for directory entries on the disk.
  if (timeout == Timeout::at_once) how.resolve |= RESOLVE_CACHED;
  Descriptor file(
      static_cast<int>(::syscall(SYS_openat2, folder.get(), path.c_str(), &how, sizeof how)));
  error = file.get() < 0 ? last_error() : std::error_code();
  return file;
}

FileStatus status_of(const Descriptor& file, std::error_code& error) noexcept {
  struct stat found {};
  error = ::fstat(file.get(), &found) < 0 ? last_error() : std::error_code();
  const auto modified =
      std::chrono::seconds(found.st_mtim.tv_sec) + std::chrono::nanoseconds(found.st_mtim.tv_nsec);
  return {.is_regular = S_ISREG(found.st_mode),
          .is_folder = S_ISDIR(found.st_mode),
          .size = static_cast<std::uint64_t>(found.st_size),
          .modified = std::chrono::system_clock::time_point(
              std::chrono::duration_cast<std::chrono::system_clock::duration>(modified))};
}

std::size_t read_at(const Descriptor& file, std::uint64_t offset, char* to, std::size_t size,
                    Timeout timeout, std::error_code& error) noexcept {
  const iovec place{.iov_base = to, .iov_len = size};
  // RWF_NOWAIT reads what the page cache has, and nothing else.
  const int flags = timeout == Timeout::at_once ? RWF_NOWAIT : 0;
  const ssize_t read = ::preadv2(file.get(), &place, 1, static_cast<off_t>(offset), flags);
  error = read < 0 ? last_error() : std::error_code();
  return read < 0 ? 0 : static_cast<std::size_t>(read);
}

}}}  // namespace evio::v0::http
