// Which loop gets a new connection.
#pragma once

#include <concepts>
#include <cstddef>
#include <evio/callback.hpp>
#include <span>

namespace evio { inline namespace v0 {

class Address;

/// The ready-made strategies. Each is decided once for each connection, at accept, and is exact.
enum class LoadBalance {
  random,
  round_robin,        ///< in turn
  least_connections,  ///< the loop with the fewest connections; the first of equals
  source_hash,        ///< by the peer's IP address: one host's connections share a loop
};

/// What a balance function is told about each loop.
struct LoopLoad {
  std::size_t connections = 0;  ///< open ones, with those on their way to the loop
};

/// A strategy: an enumerator of LoadBalance, or a function (loads, peer) -> index, taken modulo the
/// number of loops. The function is called on the thread that accepts, for one connection at a
/// time. With `?reuseport=true` the kernel decides instead.
class Balance {
 public:
  /// Chooses the loop of a new connection, by its index.
  using Function = Callback<std::size_t(std::span<const LoopLoad>, const Address&)>;

  /// One of the library's own ways.
  Balance(LoadBalance strategy) noexcept
      : strategy_(strategy) {}  // NOLINT(google-explicit-constructor)
  /// A function of yours, called on the thread that accepts.
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, Balance> &&
           !std::same_as<std::remove_cvref_t<F>, LoadBalance>)
      Balance(F&& function)  // NOLINT(google-explicit-constructor)
      : function_(std::forward<F>(function)) {}

  /// The way that was given; without meaning if there is a function.
  LoadBalance strategy() const noexcept { return strategy_; }
  /// The function that was given; empty if there is none.
  const Function& function() const noexcept { return function_; }

 private:
  LoadBalance strategy_ = LoadBalance::round_robin;
  Function function_;
};

}}  // namespace evio::v0
