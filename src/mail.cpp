#include "mail.hpp"

#include <mutex>
#include <new>
#include <utility>

namespace evio::inline v1 {

namespace {

struct Node {
  Node* next;
};

// Nodes that change hands together.
struct Stack {
  static constexpr std::size_t most = 64;

  bool empty() const noexcept { return count == 0; }
  bool full() const noexcept { return count == most; }
  void push(void* memory) noexcept {
    top = ::new (memory) Node{top};
    ++count;
  }
  void* pop() noexcept {
    --count;
    return std::exchange(top, top->next);
  }
  void release() noexcept {
    while (!empty()) ::operator delete(pop());
  }

  Node* top = nullptr;
  std::size_t count = 0;
};

// Where threads that only receive leave what threads that only send need.
class Depot {
 public:
  void give(Stack stack) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (count_ < most) {
        stacks_[count_++] = stack;
        return;
      }
    }
    stack.release();
  }
  Stack take() noexcept {
    const std::lock_guard lock(mutex_);
    return count_ > 0 ? stacks_[--count_] : Stack();
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
    if (current.empty()) current = spare.empty() ? depot().take() : std::exchange(spare, {});
    return current.empty() ? ::operator new(Mail::pooled_size) : current.pop();
  }
  void give(void* memory) noexcept {
    if (current.full()) {
      if (!spare.empty()) depot().give(spare);
      spare = std::exchange(current, {});
    }
    current.push(memory);
  }

  Stack current, spare;
};

thread_local Stock stock;

// AddressSanitizer is to see each message's own end.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool pooling = false;
#else
constexpr bool pooling = true;
#endif

bool pooled(std::size_t size) noexcept { return pooling && size <= Mail::pooled_size && !thread_ends; }

}  // namespace

void* Mail::operator new(std::size_t size) {
  if (pooled(size)) return stock.take();
  return ::operator new(size < pooled_size ? pooled_size : size);
}

void Mail::operator delete(void* memory, std::size_t size) noexcept {
  if (pooled(size))
    stock.give(memory);
  else
    ::operator delete(memory);
}

}  // namespace evio::inline v1
