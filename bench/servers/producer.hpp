// For the modes sends and posts: a thread that posts tasks to the loop, of which at most `ahead`
// are pending.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

namespace bench {

inline std::string_view message() {
  static const std::string bytes(64, 'x');
  return bytes;
}

class Producer {
 public:
  // Calls post() for ever on its own thread, which uses the last core of this process while the
  // caller uses the first.
  template <class Post>
  void start(Post post) {
    cpu_set_t allowed, first, last;
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    CPU_ZERO(&first);
    CPU_ZERO(&last);
    int core = -1;
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (!CPU_ISSET(i, &allowed)) continue;
      if (core < 0) CPU_SET(i, &first);
      core = i;
    }
    CPU_SET(core, &last);
    std::thread thread([this, post]() mutable {
      for (std::uint64_t made = 0;; ++made) {
        while (made - done() >= ahead) std::this_thread::sleep_for(std::chrono::microseconds(20));
        post();
      }
    });
    ::pthread_setaffinity_np(thread.native_handle(), sizeof last, &last);
    thread.detach();
    ::sched_setaffinity(0, sizeof first, &first);
  }

  // Called by the loop when a task has run.
  void finish() {
    done_.store(done_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  std::uint64_t done() const { return done_.load(std::memory_order_acquire); }

 private:
  static constexpr std::uint64_t ahead = 4096;
  std::atomic<std::uint64_t> done_{0};
};

}  // namespace bench
