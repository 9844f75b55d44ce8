// How other threads reach a loop: a queue without locks, and one wake-up for each sleep.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "backend/driver.hpp"
#include "task.hpp"

namespace evio { inline namespace v0 { namespace detail {

// Many senders, one receiver. What one sender pushes is received in order. Shared with handles, so
// it outlives the loop.
class TaskQueue {
 public:
  TaskQueue() = default;
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;
  ~TaskQueue();

  // Any thread. Wakes the receiver if it sleeps. False, and the mail destroyed, once the mailbox is
  // closed.
  bool push(TaskPointer task);
  // Async-signal-safe: ends the receiver's sleep, now or, if it is about to sleep, then.
  void wake() noexcept;
  // The mail that was pushed last, if nobody took it yet.
  const Task* newest() const noexcept { return head_.load(std::memory_order_relaxed); }
  // How many calls of handles have pushed something other than a wake.
  void count_call() noexcept { calls_.fetch_add(1, std::memory_order_release); }
  std::uint64_t calls() const noexcept { return calls_.load(std::memory_order_acquire); }
  // Memory of what is on its way to connections, as those say who send and get it.
  void hold(std::size_t bytes) noexcept { held_.fetch_add(bytes, std::memory_order_relaxed); }
  void release(std::size_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }

  // From here on: the receiver's thread.
  void set_waker(std::unique_ptr<Waker> waker);
  // Nobody sleeps here any more; the waker dies, and wake() does nothing.
  void drop_waker() noexcept;
  Waker& waker() noexcept { return *waker_; }
  // Everything pushed so far, oldest first, linked by `next`.
  Task* take() noexcept;
  // The last take: later pushes fail.
  Task* close() noexcept;
  // The same for a receiver that goes without looking: what is here is destroyed.
  void discard() noexcept;
  bool empty() const noexcept { return head_.load(std::memory_order_acquire) == nullptr; }
  // To be called before waiting; false: mail came, do not wait.
  bool prepare_to_sleep() noexcept;
  void awake() noexcept { sleeping_.store(false, std::memory_order_relaxed); }

 private:
  static Task* in_order(Task* newest) noexcept;

  std::atomic<Task*> head_{nullptr};  // the newest; `closed` when closed
  std::atomic<std::size_t> held_{0};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<bool> sleeping_{false};
  std::unique_ptr<Waker> waker_;
  std::atomic<Waker*> published_{nullptr};  // waker_, for other threads
  std::atomic<int> waking_{0};              // those that use it just now
};

}}}  // namespace evio::v0::detail
