#include "balance.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {

Balancer::Balancer(const Balance& balance, int loops, std::function<std::uint64_t()> random)
    : balance_(balance),
      random_(std::move(random)),
      counts_(static_cast<std::size_t>(loops)),
      loads_(static_cast<std::size_t>(loops)) {}

// The modulo also protects against a user's function that returns an index that is too large.
int Balancer::pick(const Address& peer) {
  const std::lock_guard lock(picking_);
  for (std::size_t i = 0; i < loads_.size(); ++i)
    loads_[i].connections = counts_[i].value.load(std::memory_order_relaxed);
  return static_cast<int>(index_for(peer) % loads_.size());
}

std::size_t Balancer::index_for(const Address& peer) {
  if (balance_.function()) return balance_.function()(loads_, peer);
  switch (balance_.strategy()) {
    case LoadBalance::random:
      return random_();
    case LoadBalance::round_robin:
      return next_++;
    case LoadBalance::source_hash: {  // without the port: all connections of a host go to one loop
      const Address::Ip& ip = peer.ip();
      return std::hash<std::string_view>{}({reinterpret_cast<const char*>(ip.data()), ip.size()});
    }
    case LoadBalance::least_connections:
      break;
  }
  const auto least = std::min_element(
      loads_.begin(), loads_.end(),
      [](const LoopLoad& a, const LoopLoad& b) { return a.connections < b.connections; });
  return static_cast<std::size_t>(least - loads_.begin());
}

}}}  // namespace evio::v0::detail
