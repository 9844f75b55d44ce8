#include "task.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {

namespace {

// Each task begins a cache line, so that as few lines as possible move from core to core.
constexpr std::align_val_t alignment{64};

void* allocate(std::size_t size) { return ::operator new(size, alignment); }
void release(void* memory) noexcept { ::operator delete(memory, alignment); }

// A number of free blocks that are exchanged together. The pointers are stored here and not in the
// blocks themselves, so that taking a block does not require its memory to be in the cache.
template <std::size_t most>
struct Stack {
  bool empty() const noexcept { return count == 0; }
  bool full() const noexcept { return count == most; }
  void push(void* memory) noexcept { pieces[count++] = memory; }
  void* pop() noexcept { return pieces[--count]; }
  void clear() noexcept {
    while (!empty()) release(pop());
  }

  void* pieces[most];
  std::size_t count = 0;
};

// A global store of free blocks: threads that only receive give them, threads that only send take
// them. It never waits for its mutex, since in a child that was forked while a thread held the
// mutex that would last for ever. If the mutex is taken, blocks are freed or allocated instead.
template <std::size_t size>
class Depot {
 public:
  using Pieces = Stack<(8 << 10) / size>;

  // Never destroyed: threads may end after main.
  static Depot& only() {
    static Depot& depot = *new Depot;
    return depot;
  }
  void give(Pieces& stack) noexcept {
    {
      const std::unique_lock lock(mutex_, std::try_to_lock);
      if (lock && count_ < most) {
        stacks_[count_++] = std::exchange(stack, {});
        return;
      }
    }
    stack.clear();
  }
  // Leaves `stack` as it is if there are no blocks.
  void take(Pieces& stack) noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock && count_ > 0) stack = stacks_[--count_];
  }

 private:
  static constexpr std::size_t most = 128;  // stacks of 8 KiB: 1 MiB in all
  std::mutex mutex_;
  Pieces stacks_[most];
  std::size_t count_ = 0;
};

thread_local bool thread_ends = false;

// The free blocks of one thread. Two stacks, so that a thread that alternates between sending and
// receiving does not access the depot each time.
template <std::size_t size>
struct Stock {
  ~Stock() {
    thread_ends = true;
    if (!current.empty()) Depot<size>::only().give(current);
    if (!spare.empty()) Depot<size>::only().give(spare);
  }
  void* take() {
    if (current.empty() && !spare.empty()) std::swap(current, spare);
    if (current.empty()) Depot<size>::only().take(current);
    return current.empty() ? allocate(size) : current.pop();
  }
  void give(void* memory) noexcept {
    if (current.full()) {
      if (!spare.empty()) Depot<size>::only().give(spare);
      std::swap(current, spare);
    }
    current.push(memory);
  }

  typename Depot<size>::Pieces current, spare;
};

thread_local Stock<Task::small_size> small;
thread_local Stock<Task::large_size> large;

// No recycling under AddressSanitizer, so that it detects accesses to a task that has ended.
#ifdef __has_feature  // clang's way to ask
constexpr bool pooling = !__has_feature(address_sanitizer);
#elif defined(__SANITIZE_ADDRESS__)
constexpr bool pooling = false;
#else
constexpr bool pooling = true;
#endif

bool pooled(std::size_t size) noexcept {
  return pooling && size <= Task::large_size && !thread_ends;
}

std::size_t rounded(std::size_t size) noexcept {
  if (size <= Task::small_size) return Task::small_size;
  return std::max(size, Task::large_size);
}

}  // namespace

void* Task::operator new(std::size_t size) {
  if (!pooled(size)) return allocate(rounded(size));
  return size <= small_size ? small.take() : large.take();
}

void Task::operator delete(void* memory, std::size_t size) noexcept {
  if (!pooled(size))
    release(memory);
  else if (size <= small_size)
    small.give(memory);
  else
    large.give(memory);
}

}}}  // namespace evio::v0::detail
