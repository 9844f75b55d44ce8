// What this process has open and uses, and tests in a child process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>

namespace evio::test {

std::set<int> open_descriptors();
std::set<pid_t> thread_ids();
/// Bytes of anonymous memory that are in RAM.
std::size_t resident_bytes();

/// What some threads of this process have used so far.
struct Usage {
  std::chrono::nanoseconds cpu{};
  /// Voluntary context switches, which are mostly waits for the kernel.
  std::uint64_t waits = 0;

  friend Usage operator-(const Usage& a, const Usage& b) {
    return {a.cpu - b.cpu, a.waits - b.waits};
  }
};
Usage usage(const std::set<pid_t>& threads);

/// Runs `body` in a child process and fails the test if the child fails, crashes or hangs. For
/// tests that change the whole process, such as its limits or signals. To be called while this
/// process has one thread.
void in_child_process(const std::function<void()>& body);

/// Limits the number of descriptors of this process; false if the system does not allow that many.
[[nodiscard]] bool limit_descriptors(std::size_t count);

/// A new empty directory, removed with its contents.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EVIO_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define EVIO_TEST_SANITIZED 1
#endif
#endif
#ifndef EVIO_TEST_SANITIZED
#define EVIO_TEST_SANITIZED 0
#endif

/// Whether a sanitizer is used, which makes measurements of memory meaningless.
inline constexpr bool sanitized = EVIO_TEST_SANITIZED;
/// Whether it is ThreadSanitizer.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool finds_races = true;
#else
inline constexpr bool finds_races = false;
#endif

}  // namespace evio::test
