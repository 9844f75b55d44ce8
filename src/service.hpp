// One set of handlers, limits and options within a server, shared by the addresses that
// are served by it.
#pragma once

#include <atomic>
#include <cstddef>
#include <evio/events.hpp>
#include <evio/input.hpp>
#include <memory>
#include <utility>

#include "peer_counts.hpp"

namespace evio { inline namespace v0 { namespace detail {

// The Events may be another server's too; what is counted is this one's.
struct Service {
  const std::shared_ptr<const Events> owned;
  const Events& events;
  std::atomic<std::size_t> connections{0};  // open, or on their way to a loop
  std::atomic<bool> full{false};            // accepting waits for one of them to close

  explicit Service(std::shared_ptr<const Events> from) : owned(std::move(from)), events(*owned) {}

  PeerCounts peers;

  // Whether it is counted how many connections this peer has.
  bool counts(const Address::Ip& peer) const noexcept {
    return events.limits.connections_per_peer_max > 0 && peer != Address::Ip{};
  }
  bool has_room() const noexcept {
    const std::size_t most = events.limits.connections_max;
    return most == 0 || connections.load() < most;
  }
};

}}}  // namespace evio::v0::detail
