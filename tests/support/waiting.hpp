// Waiting for events of other threads, never longer than a hang guard.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace evio::test {

using namespace std::chrono_literals;

/// Longer than any wait takes, including sanitizers on a busy machine: only a hang reaches it.
inline constexpr std::chrono::seconds hang_guard{45};

/// An event that happens once, on any thread.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  /// False if the hang guard passed first.
  [[nodiscard]] bool wait() const {
    std::unique_lock lock(mutex_);
    return opened_.wait_for(lock, hang_guard, [&] { return open_; });
  }
  bool is_open() const {
    const std::lock_guard lock(mutex_);
    return open_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable opened_;
  bool open_ = false;
};

/// Opens a gate at the end of a scope, so that a handler that waits for it continues even if the
/// test fails.
class OpensAtEnd {
 public:
  explicit OpensAtEnd(Gate& gate) : gate_(gate) {}
  OpensAtEnd(const OpensAtEnd&) = delete;
  ~OpensAtEnd() { gate_.open(); }

 private:
  Gate& gate_;
};

/// Polls a condition that sends no notification. False if the hang guard passed first.
template <class Predicate>
[[nodiscard]] bool eventually(Predicate&& true_now) {
  const auto deadline = std::chrono::steady_clock::now() + hang_guard;
  while (!true_now()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

}  // namespace evio::test
