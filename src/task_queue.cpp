#include "task_queue.hpp"

#include <utility>

namespace evio { inline namespace v0 { namespace detail {

namespace {

struct Closed final : Task {
  void run_on(LoopCore&) override {}
};
Closed closed_mark;  // head_ of a closed queue points to it
Task* const closed = &closed_mark;

}  // namespace

TaskQueue::~TaskQueue() { discard(); }

bool TaskQueue::push(TaskPointer task) {
  Task* head = head_.load(std::memory_order_relaxed);
  do {
    if (head == closed) return false;
    task->next = head;
  } while (!head_.compare_exchange_weak(head, task.get(), std::memory_order_seq_cst,
                                        std::memory_order_relaxed));
  task.release();
  // Sequentially consistent with prepare_to_sleep: either the loop sees the task, or this sees that
  // the loop sleeps. The load comes first because an exchange would claim the cache line even while
  // the loop is awake.
  if (sleeping_.load(std::memory_order_seq_cst) &&
      sleeping_.exchange(false, std::memory_order_seq_cst))
    wake();
  return true;
}

void TaskQueue::wake() noexcept {
  waking_.fetch_add(1, std::memory_order_seq_cst);
  if (Waker* waker = published_.load(std::memory_order_seq_cst)) waker->wake();
  waking_.fetch_sub(1, std::memory_order_release);
}

void TaskQueue::set_waker(std::unique_ptr<Waker> waker) {
  const std::unique_ptr<Waker> old = std::exchange(waker_, std::move(waker));
  published_.store(waker_.get(), std::memory_order_seq_cst);
}

// A signal handler may call wake(), so a lock is not possible. Instead this waits for callers that
// are inside wake(), which takes a few instructions.
void TaskQueue::drop_waker() noexcept {
  published_.store(nullptr, std::memory_order_seq_cst);
  while (waking_.load(std::memory_order_acquire) > 0) {
  }
  waker_.reset();
}

Task* TaskQueue::take() noexcept {
  if (empty()) return nullptr;
  return in_order(head_.exchange(nullptr, std::memory_order_acquire));
}

Task* TaskQueue::close() noexcept {
  Task* newest = head_.exchange(closed, std::memory_order_acq_rel);
  return newest == closed ? nullptr : in_order(newest);
}

void TaskQueue::discard() noexcept {
  for (Task* task = close(); task;) std::exchange(task, task->next)->done();
}

bool TaskQueue::prepare_to_sleep() noexcept {
  sleeping_.store(true, std::memory_order_seq_cst);
  if (head_.load(std::memory_order_seq_cst) == nullptr) return true;
  awake();
  return false;
}

Task* TaskQueue::in_order(Task* newest) noexcept {
  Task* oldest = nullptr;
  while (newest) {
    Task* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}

}}}  // namespace evio::v0::detail
