// Load balancing: which loop gets a connection, and how many connections each loop has.
#pragma once

#include <atomic>
#include <cstddef>
#include <evio/address.hpp>
#include <evio/balance.hpp>
#include <functional>
#include <mutex>
#include <vector>

namespace evio { inline namespace v0 { namespace detail {

// Any thread.
class Balancer {
 public:
  Balancer(const Balance& balance, int loops, std::function<std::uint64_t()> random);

  // The loop for a new connection from `peer`.
  int pick(const Address& peer);
  // Count a connection of the loop. Relaxed order is enough: the counts are only an estimate for
  // balancing.
  void add(int loop) noexcept {
    counts_[static_cast<std::size_t>(loop)].value.fetch_add(1, std::memory_order_relaxed);
  }
  void remove(int loop) noexcept {
    counts_[static_cast<std::size_t>(loop)].value.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  // In a cache line of its own, since each loop's thread writes its count.
  struct alignas(64) Count {
    std::atomic<std::size_t> value{0};
  };

  std::size_t index_for(const Address& peer);

  std::mutex picking_;  // protects loads_ and next_, and calls of the user's function

  const Balance& balance_;
  std::function<std::uint64_t()> random_;
  std::vector<Count> counts_;
  std::vector<LoopLoad> loads_;
  std::size_t next_ = 0;
};

}}}  // namespace evio::v0::detail
