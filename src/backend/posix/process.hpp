// Forks. A fork copies memory, but parent and child share the kernel's object behind each
// descriptor. See docs/processes.md.
#pragma once

#include <atomic>
#include <cstdint>

namespace evio { inline namespace v0 { namespace detail {

namespace process {
extern std::atomic<std::uint32_t> generation;
extern std::atomic<std::uint32_t> forks;
}  // namespace process

// The number of forks of this process since it began. Incremented before the child exists.
inline std::uint32_t forks() noexcept { return process::forks.load(std::memory_order_seq_cst); }

// Remembers the process that made an object. In a child the object is a copy, which must not affect
// the kernel objects of its parent, for example epoll registrations.
class Maker {
 public:
  bool is_this_process() const noexcept {
    return generation_ == process::generation.load(std::memory_order_relaxed);
  }

 private:
  // Each child has a generation of its own.
  std::uint32_t generation_ = process::generation.load(std::memory_order_relaxed);
};

// While it exists, forks on other threads wait. It protects sequences of a few system calls that a
// fork in between would break, such as the check for forks and the close that depends on it.
class NoForkNow {
 public:
  NoForkNow() noexcept;
  NoForkNow(const NoForkNow&) = delete;
  NoForkNow& operator=(const NoForkNow&) = delete;
  ~NoForkNow();
};

}}}  // namespace evio::v0::detail
