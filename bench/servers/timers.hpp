// For the mode timers: 100,000 armed timers. Whenever one runs it is set again, and nine others are
// restarted, as the timeouts of active connections are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bench {

class Timers {
 public:
  static constexpr std::size_t count = 100'000;

  // set(timer, milliseconds) arms or restarts a timer.
  template <class Set>
  void start(Set set) {
    for (std::size_t timer = 0; timer < count; ++timer) set(timer, delay());
  }
  template <class Set>
  void ran(std::size_t timer, Set set) {
    constexpr int others = 9;
    set(timer, delay());
    for (int i = 0; i < others; ++i) set(random() % count, delay());
    sets_ += 1 + others;
  }

  // The number of times that timers were set.
  const std::uint64_t& sets() const { return sets_; }

 private:
  unsigned delay() { return 1 + random() % 1000; }
  std::uint32_t random() {  // xorshift
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    return state_ ^= state_ << 5;
  }

  std::uint64_t sets_ = 0;
  std::uint32_t state_ = 1;
};

}  // namespace bench
