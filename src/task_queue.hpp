// The queue of a loop's tasks: lock-free, with at most one wake-up for each time the loop sleeps.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "backend/driver.hpp"
#include "task.hpp"

namespace evio { inline namespace v0 { namespace detail {

// Many threads push, one loop takes. Tasks of one thread are taken in the order in which it pushed
// them. The queue may outlive the loop, because handles share it.
class TaskQueue {
 public:
  TaskQueue() = default;
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;
  ~TaskQueue();

  // Any thread.

  // Adds the task, and wakes the loop if it sleeps. Once the queue is closed it destroys the task
  // and returns false.
  bool push(TaskPointer task);
  // Ends the loop's sleep, or its next sleep if it is about to begin. Async-signal-safe.
  void wake() noexcept;
  // The task that was pushed last, if it was not taken yet. Only to be compared with a pointer: the
  // loop may run and delete it at any time.
  const Task* newest() const noexcept { return head_.load(std::memory_order_relaxed); }
  // The number of calls of handles that have pushed anything other than a wake.
  void count_call() noexcept { calls_.fetch_add(1, std::memory_order_release); }
  std::uint64_t calls() const noexcept { return calls_.load(std::memory_order_acquire); }
  // The memory of queued sends, as reported by the senders and by the tasks when they are done.
  void hold(std::size_t bytes) noexcept { held_.fetch_add(bytes, std::memory_order_relaxed); }
  void release(std::size_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }

  // The loop's thread only, from here on.

  // The waker ends Driver::poll. It is set before the loop runs.
  void set_waker(std::unique_ptr<Waker> waker);
  // Destroys the waker. From then on wake() does nothing.
  void drop_waker() noexcept;
  Waker& waker() noexcept { return *waker_; }
  // Removes and returns all tasks, oldest first, linked by `next`.
  Task* take() noexcept;
  // As take(), for the last time: later pushes fail.
  Task* close() noexcept;
  // Closes the queue and destroys all tasks without running them.
  void discard() noexcept;
  bool empty() const noexcept { return head_.load(std::memory_order_acquire) == nullptr; }
  // Must be called before the loop sleeps. False if there are tasks: then it must not sleep.
  bool prepare_to_sleep() noexcept;
  void awake() noexcept { sleeping_.store(false, std::memory_order_relaxed); }

 private:
  static Task* in_order(Task* newest) noexcept;

  std::atomic<Task*> head_{nullptr};  // the newest task; `closed` once the queue is closed
  std::atomic<std::size_t> held_{0};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<bool> sleeping_{false};
  std::unique_ptr<Waker> waker_;
  std::atomic<Waker*> published_{nullptr};  // waker_, for other threads
  std::atomic<int> waking_{0};              // threads that are using it now
};

}}}  // namespace evio::v0::detail
