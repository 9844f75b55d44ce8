#include "backend/posix/process.hpp"

#include <pthread.h>
#include <sched.h>

namespace evio { inline namespace v0 { namespace detail {

namespace process {

std::atomic<std::uint32_t> generation{0};
std::atomic<std::uint32_t> forks{0};

namespace {

std::atomic<int> holders{0};  // objects of NoForkNow

// Runs before each fork, and waits until no NoForkNow exists. The wait is bounded, since a signal
// handler that forks may have interrupted a thread that holds one.
void prepare() {
  constexpr int tries = 1000;
  forks.fetch_add(1, std::memory_order_seq_cst);
  for (int i = 0; i < tries && holders.load(std::memory_order_seq_cst) > 0; ++i) ::sched_yield();
}

void begin_child() {
  generation.fetch_add(1, std::memory_order_relaxed);
  forks.store(0, std::memory_order_relaxed);
  holders.store(0, std::memory_order_relaxed);  // the threads that hold them are not in the child
}

[[maybe_unused]] const int registered = ::pthread_atfork(prepare, nullptr, begin_child);

}  // namespace

}  // namespace process

NoForkNow::NoForkNow() noexcept { process::holders.fetch_add(1, std::memory_order_seq_cst); }
NoForkNow::~NoForkNow() { process::holders.fetch_sub(1, std::memory_order_release); }

}}}  // namespace evio::v0::detail
