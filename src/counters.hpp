// Private. What a loop counts: written by its own thread only, read by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <evio/stats.hpp>

namespace evio::inline v1 {

// One writer: no locked instruction, no shared cache line written by others.
class Counter {
 public:
  void add(std::uint64_t n) noexcept { value_.store(value() + n, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct alignas(64) Counters {
  Counter accepted, opened, closed, refused, received, sent, datagrams_received, datagrams_sent, datagrams_dropped,
      accept_pauses, memory_pauses, wakeups;

  void add_to(Stats& stats) const noexcept {
    stats.accepted += accepted.value();
    stats.open += opened.value() - closed.value();
    stats.closed += closed.value();
    stats.refused += refused.value();
    stats.received += received.value();
    stats.sent += sent.value();
    stats.datagrams_received += datagrams_received.value();
    stats.datagrams_sent += datagrams_sent.value();
    stats.datagrams_dropped += datagrams_dropped.value();
    stats.accept_pauses += accept_pauses.value();
    stats.memory_pauses += memory_pauses.value();
    stats.wakeups += wakeups.value();
  }
};

}  // namespace evio::inline v1
