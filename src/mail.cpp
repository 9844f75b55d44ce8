#include "mail.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

namespace evio::inline v1 {

namespace {

// One message begins a cache line: a small one is one line that goes from core to core.
constexpr std::align_val_t alignment{64};

void* allocate(std::size_t size) { return ::operator new(size, alignment); }
void release(void* memory) noexcept { ::operator delete(memory, alignment); }

// What changes hands together. Beside the memory, not linked in it: who takes a piece need not have it in its cache.
struct Stack {
  static constexpr std::size_t most = 64;

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

// Where threads that only receive leave what threads that only send need. Nobody waits for it: in a child that was
// forked while a thread was here, that would be for ever.
class Depot {
 public:
  void give(Stack& stack) noexcept {
    {
      const std::unique_lock lock(mutex_, std::try_to_lock);
      if (lock && count_ < most) {
        stacks_[count_++] = std::exchange(stack, {});
        return;
      }
    }
    stack.clear();
  }
  // Leaves an empty one as it is if there is nothing.
  void take(Stack& stack) noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock && count_ > 0) stack = stacks_[--count_];
  }

 private:
  static constexpr std::size_t most = 128;  // 1 MiB in all
  std::mutex mutex_;
  Stack stacks_[most];
  std::size_t count_ = 0;
};

// Never destroyed: threads may end after main.
Depot& depot() {
  static Depot& only = *new Depot;
  return only;
}

thread_local bool thread_ends = false;

// Two stacks, so that one who sends and receives by turns does not run to the depot each time.
struct Stock {
  ~Stock() {
    thread_ends = true;
    if (!current.empty()) depot().give(current);
    if (!spare.empty()) depot().give(spare);
  }
  void* take() {
    if (current.empty() && !spare.empty()) std::swap(current, spare);
    if (current.empty()) depot().take(current);
    return current.empty() ? allocate(Mail::pooled_size) : current.pop();
  }
  void give(void* memory) noexcept {
    if (current.full()) {
      if (!spare.empty()) depot().give(spare);
      std::swap(current, spare);
    }
    current.push(memory);
  }

  Stack current, spare;
};

thread_local Stock stock;

// AddressSanitizer is to see each message's own end.
#ifdef __has_feature  // clang's way to ask
constexpr bool pooling = !__has_feature(address_sanitizer);
#elif defined(__SANITIZE_ADDRESS__)
constexpr bool pooling = false;
#else
constexpr bool pooling = true;
#endif

bool pooled(std::size_t size) noexcept { return pooling && size <= Mail::pooled_size && !thread_ends; }

}  // namespace

void* Mail::operator new(std::size_t size) {
  if (pooled(size)) return stock.take();
  return allocate(std::max(size, pooled_size));
}

void Mail::operator delete(void* memory, std::size_t size) noexcept {
  if (pooled(size))
    stock.give(memory);
  else
    release(memory);
}

}  // namespace evio::inline v1
