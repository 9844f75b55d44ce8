#include "peer_counts.hpp"

#include <algorithm>
#include <new>

namespace evio { inline namespace v0 { namespace detail {

Address::Ip PeerCounts::network_of(Address::Ip ip) noexcept {
  constexpr Address::Ip ip4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!std::equal(ip.begin(), ip.begin() + 12, ip4_prefix.begin()))
    std::fill(ip.begin() + 8, ip.end(), 0);
  return ip;
}

// Without memory to count a connection it is refused: otherwise the limit could be exceeded.
bool PeerCounts::add(const Address::Ip& peer, std::size_t most) noexcept try {
  const std::lock_guard lock(mutex_);
  std::size_t& count = counts_[network_of(peer)];
  if (count >= most) return false;
  ++count;
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

void PeerCounts::remove(const Address::Ip& peer) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(network_of(peer));
  if (--found->second == 0) counts_.erase(found);
}

}}}  // namespace evio::v0::detail
