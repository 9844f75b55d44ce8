// Balance: which loop gets a new connection.
#pragma once

#include <concepts>
#include <cstddef>
#include <evio/callback.hpp>
#include <span>

namespace evio { inline namespace v0 {

class Address;

/// The strategies that come with the library. Each decides once for each connection, when it is
/// accepted or begun by Server::connect, and knows the exact number of each loop's connections.
enum class LoadBalance {
  /// A loop at random.
  random,
  /// The loops one after the other. The default.
  round_robin,
  /// The loop with the fewest connections, the first one among equals; for connections whose
  /// lifetimes differ much.
  least_connections,
  /// By a hash of the peer's IP address: connections of one host share a loop, and so its caches.
  source_hash,
};

/// The load of one loop, for a balance function.
struct LoopLoad {
  /// Its open connections, including those that were assigned and have not arrived yet.
  std::size_t connections = 0;
};

/// A strategy: an enumerator of LoadBalance, or a function of yours that returns the index of a
/// loop; the index is taken modulo the number of loops.
///
///     .balance = evio::LoadBalance::least_connections
///     .balance = [](std::span<const evio::LoopLoad> loads, const evio::Address& peer) {
///       return choose(loads, peer);
///     }
///
/// The function is called for one connection at a time, on the thread that accepts it or that calls
/// Server::connect. If it throws while accepting, the connection goes to loop 0, and the exception
/// is treated as Events::failed says. With `?reuseport=true` the kernel chooses instead.
class Balance {
 public:
  /// Returns the index of the loop for a new connection, given each loop's load and the peer's
  /// address.
  using Function = Callback<std::size_t(std::span<const LoopLoad>, const Address&)>;

  /// One of the library's strategies.
  Balance(LoadBalance strategy) noexcept
      : strategy_(strategy) {}  // NOLINT(google-explicit-constructor)
  /// A function of yours, called on the thread that accepts.
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, Balance> &&
           !std::same_as<std::remove_cvref_t<F>, LoadBalance>)
      Balance(F&& function)  // NOLINT(google-explicit-constructor)
      : function_(std::forward<F>(function)) {}

  /// The strategy that was given; it has no meaning if there is a function.
  LoadBalance strategy() const noexcept { return strategy_; }
  /// The function that was given; empty if there is none.
  const Function& function() const noexcept { return function_; }

 private:
  LoadBalance strategy_ = LoadBalance::round_robin;
  Function function_;
};

}}  // namespace evio::v0
