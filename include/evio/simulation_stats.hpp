// SimulationStats: what a simulation counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <evio/duration.hpp>
#include <evio/faults.hpp>

namespace evio { inline namespace v0 {

/// What happened in a simulation so far.
struct SimulationStats {
  /// How often each fault happened; the index is a sim::Fault.
  std::array<std::uint64_t, sim::fault_count> faults{};
  /// Iterations of all loops.
  std::uint64_t iterations = 0;
  /// Arrivals of bytes and datagrams, timeouts, and scripted actions.
  std::uint64_t events = 0;
  /// Connections that peers made.
  std::uint64_t connections = 0;
  /// Bytes that servers read.
  std::uint64_t to_servers = 0;
  /// Bytes that servers wrote.
  std::uint64_t from_servers = 0;
  /// Datagrams sent, in both directions.
  std::uint64_t datagrams = 0;
  /// The virtual time that has passed.
  Duration time{};

  /// How often that fault happened.
  std::uint64_t count(sim::Fault fault) const noexcept {
    return faults[static_cast<std::size_t>(fault)];
  }
};

}}  // namespace evio::v0
