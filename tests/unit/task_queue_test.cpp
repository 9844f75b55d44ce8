// The task queue: no task is lost, reordered for its sender, or left pending while the receiver
// sleeps.
#include "task_queue.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace evio::test {

using namespace detail;
namespace {

struct Note final : Task {
  Note(int from, int count) : sender(from), number(count) {}
  void run_on(LoopCore&) override {}
  int sender;
  int number;
};

struct Counted final : Task {
  explicit Counted(int& to) : destroyed(to) {}
  ~Counted() override { ++destroyed; }
  void run_on(LoopCore&) override {}
  int& destroyed;
};

// Sleeps as a driver would; returns whether it was woken before the guard expired.
class Bed final : public Waker {
 public:
  void wake() noexcept override {
    const std::lock_guard lock(mutex_);
    ++woken_;
    condition_.notify_one();
  }
  bool sleep() {
    std::unique_lock lock(mutex_);
    const bool woken =
        condition_.wait_for(lock, std::chrono::seconds(20), [this] { return woken_ > 0; });
    woken_ = 0;
    return woken;
  }
  int wakes() {
    const std::lock_guard lock(mutex_);
    return woken_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  int woken_ = 0;
};

std::vector<std::unique_ptr<Task>> all_of(Task* task) {
  std::vector<std::unique_ptr<Task>> all;
  while (task) all.emplace_back(std::exchange(task, task->next));
  return all;
}

TEST(TaskQueue, KeepsTheOrderOfEachSender) {
  TaskQueue tasks;
  constexpr int senders = 4;
  constexpr int each = 20'000;
  std::vector<std::thread> threads;
  for (int sender = 0; sender < senders; ++sender)
    threads.emplace_back([&tasks, sender] {
      for (int i = 0; i < each; ++i) tasks.push(std::make_unique<Note>(sender, i));
    });
  std::vector<int> next(senders, 0);
  for (int received = 0; received < senders * each;)
    for (const auto& task : all_of(tasks.take())) {
      const auto& note = static_cast<Note&>(*task);
      ASSERT_EQ(note.number, next[static_cast<std::size_t>(note.sender)]++);
      ++received;
    }
  for (std::thread& thread : threads) thread.join();
}

// Without the second check in prepare_to_sleep, or with weaker ordering, this would eventually
// sleep with pending tasks.
TEST(TaskQueue, NeverSleepsWithPendingTasks) {
  TaskQueue tasks;
  auto owned = std::make_unique<Bed>();
  Bed& bed = *owned;
  tasks.set_waker(std::move(owned));
  constexpr int count = 50'000;
  std::thread sender([&] {
    for (int i = 0; i < count; ++i) tasks.push(std::make_unique<Note>(0, i));
  });
  for (int received = 0; received < count;) {
    if (tasks.prepare_to_sleep()) {
      ASSERT_TRUE(bed.sleep()) << "slept with " << received << " received";
    }
    tasks.awake();
    received += static_cast<int>(all_of(tasks.take()).size());
  }
  sender.join();
}

TEST(TaskQueue, WakesOnceForEachSleep) {
  TaskQueue tasks;
  auto owned = std::make_unique<Bed>();
  Bed& bed = *owned;
  tasks.set_waker(std::move(owned));
  tasks.push(std::make_unique<Note>(0, 0));
  EXPECT_EQ(bed.wakes(), 0) << "it is awake";
  all_of(tasks.take());
  ASSERT_TRUE(tasks.prepare_to_sleep());
  for (int i = 0; i < 10; ++i) tasks.push(std::make_unique<Note>(0, i));
  EXPECT_EQ(bed.wakes(), 1);
}

TEST(TaskQueue, RefusesAndDestroysTasksAfterClose) {
  TaskQueue tasks;
  int destroyed = 0;
  EXPECT_TRUE(tasks.push(std::make_unique<Counted>(destroyed)));
  EXPECT_EQ(all_of(tasks.close()).size(), 1U);
  EXPECT_EQ(destroyed, 1);
  EXPECT_FALSE(tasks.push(std::make_unique<Counted>(destroyed)));
  EXPECT_EQ(destroyed, 2);
}

TEST(TaskQueue, DestroysTasksThatWereNotTaken) {
  int destroyed = 0;
  {
    TaskQueue tasks;
    tasks.push(std::make_unique<Counted>(destroyed));
  }
  EXPECT_EQ(destroyed, 1);
}

TEST(TaskQueue, WorksWithoutAWaker) {
  TaskQueue tasks;
  tasks.wake();
  tasks.set_waker(std::make_unique<Bed>());
  tasks.drop_waker();
  tasks.wake();
}

}  // namespace
}  // namespace evio::test
