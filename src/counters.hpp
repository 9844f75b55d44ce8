// The statistics of one loop. Only the loop's thread writes them; any thread may read them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <evio/stats.hpp>

namespace evio { inline namespace v0 { namespace detail {

// A counter with one writer. It therefore needs no locked instruction, and no other thread writes
// its cache line.
class Counter {
 public:
  void add(std::uint64_t n) noexcept { set(value() + n); }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// The counters for a LagHistogram.
class LagCounter {
 public:
  void add(Duration lag) noexcept {
    lag = std::max(lag, Duration::zero());
    counts_[bucket_of(lag)].add(1);
    sum_.add(static_cast<std::uint64_t>(lag.count()));
  }
  void add_to(LagHistogram& lag) const noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) lag.counts[i] += counts_[i].value();
    lag.sum += Duration(sum_.value());
  }

 private:
  // The first bucket whose bound is at least `lag`. Bounds double, so the highest bit determines
  // it.
  static std::size_t bucket_of(Duration lag) noexcept {
    const auto ticks = static_cast<std::uint64_t>(lag.count() - (lag > Duration::zero())) /
                       static_cast<std::uint64_t>(LagHistogram::bound(0).count());
    return std::min(static_cast<std::size_t>(std::bit_width(ticks)), LagHistogram::bound_count);
  }

  std::array<Counter, LagHistogram::bound_count + 1> counts_;
  Counter sum_;  // nanoseconds
};

struct alignas(64) Counters {
  Counter accepted, opened, refused, received, sent, datagrams_received, datagrams_sent,
      datagrams_dropped, accept_pauses, memory_pauses, wakeups, messages, timers_run, posts,
      slow_batches, exceptions;
  Counter output_pending, output_held, input_held, timers;  // gauges, set once an iteration
  std::array<Counter, close_reason_count> closed_by;
  LagCounter lag;

  void add_to(Stats& stats) const noexcept {
    std::uint64_t closed = 0;
    for (std::size_t i = 0; i < close_reason_count; ++i) {
      const std::uint64_t count = closed_by[i].value();
      stats.closed_by[i] += count;
      closed += count;
    }
    stats.closed += closed;
    const std::uint64_t made = opened.value();
    // A connection may have opened and closed between reading the two counters.
    stats.open += made - std::min(made, closed);
    stats.accepted += accepted.value();
    stats.refused += refused.value();
    stats.received += received.value();
    stats.sent += sent.value();
    stats.datagrams_received += datagrams_received.value();
    stats.datagrams_sent += datagrams_sent.value();
    stats.datagrams_dropped += datagrams_dropped.value();
    stats.accept_pauses += accept_pauses.value();
    stats.memory_pauses += memory_pauses.value();
    stats.wakeups += wakeups.value();
    stats.messages += messages.value();
    stats.output_pending += output_pending.value();
    stats.input_held += input_held.value();
    stats.memory += output_held.value() + input_held.value();
    stats.timers += timers.value();
    stats.timers_run += timers_run.value();
    stats.posts += posts.value();
    stats.slow_batches += slow_batches.value();
    stats.exceptions += exceptions.value();
    lag.add_to(stats.lag);
  }
};

}}}  // namespace evio::v0::detail
