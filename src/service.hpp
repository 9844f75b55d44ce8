// A service: one set of handlers, limits and options, and the addresses of a server that use it.
#pragma once

#include <atomic>
#include <cstddef>
#include <evio/events.hpp>
#include <evio/input.hpp>
#include <memory>
#include <utility>

#include "peer_counts.hpp"

namespace evio { inline namespace v0 { namespace detail {

// Several servers may share the Events. The counts are those of this server only.
struct Service {
  const std::shared_ptr<const Events> owned;
  const Events& events;
  std::atomic<std::size_t> connections{0};  // accepted and not closed yet
  std::atomic<bool> full{false};            // accepting pauses until a connection closes

  explicit Service(std::shared_ptr<const Events> from) : owned(std::move(from)), events(*owned) {}

  PeerCounts peers;

  // Whether the connections of this peer are counted. Peers without an IP address are not.
  bool counts(const Address::Ip& peer) const noexcept {
    return events.limits.connections_per_peer_max > 0 && peer != Address::Ip{};
  }
  bool has_room() const noexcept {
    const std::size_t most = events.limits.connections_max;
    return most == 0 || connections.load() < most;
  }
};

}}}  // namespace evio::v0::detail
