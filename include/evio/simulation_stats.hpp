// Counters of a simulation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <evio/duration.hpp>
#include <evio/faults.hpp>

namespace evio { inline namespace v0 {

/// What happened in a simulation so far.
struct SimulationStats {
  std::array<std::uint64_t, sim::fault_count>
      faults{};                    ///< how often each happened; indexed by Fault
  std::uint64_t turns = 0;         ///< of all loops
  std::uint64_t events = 0;        ///< arrivals, timeouts, scripted actions
  std::uint64_t connections = 0;   ///< made by peers
  std::uint64_t to_servers = 0;    ///< bytes that servers read
  std::uint64_t from_servers = 0;  ///< bytes that servers wrote
  std::uint64_t datagrams = 0;     ///< sent, either way
  Duration time{};                 ///< virtual

  /// How often that fault happened.
  std::uint64_t count(sim::Fault fault) const noexcept {
    return faults[static_cast<std::size_t>(fault)];
  }
};

}}  // namespace evio::v0
