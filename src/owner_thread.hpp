// The thread that an object belongs to. In debug builds a call from another thread stops the
// program with a message, since it would be a data race. In release builds the checks do nothing.
#pragma once

#include <atomic>
#include <thread>

namespace evio { inline namespace v0 { namespace detail {

class OwnerThread {
 public:
#ifdef NDEBUG
  void set() noexcept {}
  void clear() noexcept {}
  void check(const char*) const noexcept {}
#else
  // Makes the calling thread the owner, until clear(). Without an owner any thread may call.
  void set() noexcept { owner_.store(std::this_thread::get_id(), std::memory_order_relaxed); }
  void clear() noexcept { owner_.store(std::thread::id(), std::memory_order_relaxed); }
  // `what`: the class that was called, and what to call in its place.
  void check(const char* what) const noexcept {
    const std::thread::id owner = owner_.load(std::memory_order_relaxed);
    if (owner != std::thread::id() && owner != std::this_thread::get_id()) stop(what);
  }

 private:
  [[noreturn]] static void stop(const char* what) noexcept;

  std::atomic<std::thread::id> owner_;
#endif
};

}}}  // namespace evio::v0::detail
