// What other threads send to a loop.
#pragma once

#include <cstddef>
#include <memory>

namespace evio { inline namespace v0 { namespace detail {

class LoopCore;

// One message. Delivered on the loop's thread, or destroyed undelivered on any thread. Its memory
// goes round between those who send and those who receive: in steady traffic nothing is allocated.
struct Task {
  static constexpr std::size_t small_size = 128,
                               large_size = 1024;  // of those whose memory goes round

  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;
  virtual void run_on(LoopCore& loop) = 0;
  // Delivered or not, nobody holds it any more: most are deleted.
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
