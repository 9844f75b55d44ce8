// The number of connections of each peer to one service, for Limits::connections_per_peer_max.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/address.hpp>
#include <functional>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace evio { inline namespace v0 { namespace detail {

// A /64 network of IPv6 counts as one peer, because a single host usually controls all of its
// addresses and could otherwise evade the limit. Any thread.
class PeerCounts {
 public:
  /// Counts one more connection. False, and nothing changes, if the peer has `most` already.
  bool add(const Address::Ip& peer, std::size_t most) noexcept;
  void remove(const Address::Ip& peer) noexcept;

 private:
  struct Hash {
    std::size_t operator()(const Address::Ip& ip) const noexcept {
      return std::hash<std::string_view>{}({reinterpret_cast<const char*>(ip.data()), ip.size()});
    }
  };
  static Address::Ip network_of(Address::Ip ip) noexcept;

  std::mutex mutex_;
  std::unordered_map<Address::Ip, std::size_t, Hash> counts_;
};

}}}  // namespace evio::v0::detail
