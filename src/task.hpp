// A task: what other threads send to a loop, to be run on its thread.
#pragma once

#include <cstddef>
#include <memory>

namespace evio { inline namespace v0 { namespace detail {

class LoopCore;

// A task is run once on the loop's thread, or destroyed on any thread without having run. Its
// memory is recycled between the sending and the receiving threads: in steady traffic nothing is
// allocated.
struct Task {
  // Tasks of up to these sizes get recycled memory.
  static constexpr std::size_t small_size = 128, large_size = 1024;

  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;
  // Runs the task, on the loop's thread.
  virtual void run_on(LoopCore& loop) = 0;
  // The queue needs the task no more, whether it has run or not. Most tasks are deleted then; those
  // that are members of another object are not.
  virtual void done() noexcept { delete this; }

  static void* operator new(std::size_t size);
  static void operator delete(void* memory, std::size_t size) noexcept;

  Task* next = nullptr;
};

struct TaskDeleter {
  TaskDeleter() = default;
  template <class T>
  TaskDeleter(std::default_delete<T>) noexcept {
  }  // NOLINT(google-explicit-constructor): of make_unique
  void operator()(Task* task) const noexcept { task->done(); }
};
using TaskPointer = std::unique_ptr<Task, TaskDeleter>;

}}}  // namespace evio::v0::detail
