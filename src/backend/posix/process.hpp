// What a fork changes: memory is copied, but what the kernel keeps for a descriptor stays
// one thing that parent and child share. See docs/processes.md.
#pragma once

#include <atomic>
#include <cstdint>

namespace evio { inline namespace v0 { namespace detail {

namespace process {
extern std::atomic<std::uint32_t> generation;
extern std::atomic<std::uint32_t> forks;
}  // namespace process

// How often this process has forked since it began. Counted before the child begins.
inline std::uint32_t forks() noexcept { return process::forks.load(std::memory_order_seq_cst); }

// The process that made an object: a child has a copy of the object, but must leave its kernel
// objects alone.
class Maker {
 public:
  bool is_this_process() const noexcept {
    return generation_ == process::generation.load(std::memory_order_relaxed);
  }

 private:
  std::uint32_t generation_ =
      process::generation.load(std::memory_order_relaxed);  // one more in each child
};

// Holds a fork on another thread off for as long as it lives, for what a fork halfway through would
// undo: a few system calls at most.
class NoForkNow {
 public:
  NoForkNow() noexcept;
  NoForkNow(const NoForkNow&) = delete;
  NoForkNow& operator=(const NoForkNow&) = delete;
  ~NoForkNow();
};

}}}  // namespace evio::v0::detail
