// Private. One set of handlers, limits and options, shared by the addresses that are served by it.
#pragma once

#include <atomic>
#include <cstddef>
#include <evio/events.hpp>
#include <evio/input.hpp>

namespace evio::inline v1 {

struct Service {
  Events events;
  std::atomic<std::size_t> connections{0};  // open, or on their way to a loop
  std::atomic<bool> full{false};            // accepting waits for one of them to close

  explicit Service(Events from) : events(std::move(from)) {}

  bool has_room() const noexcept {
    const std::size_t most = events.limits.connections;
    return most == 0 || connections.load() < most;
  }
};

}  // namespace evio::inline v1
