// The private part of Simulation: the world, its servers and its peers.
#pragma once

#include <deque>
#include <evio/server.hpp>
#include <evio/simulation.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "backend/simulated/bridge.hpp"
#include "backend/simulated/network.hpp"
#include "backend/simulated/scheduler.hpp"
#include "backend/simulated/simulated_platform.hpp"
#include "backend/simulated/world.hpp"
#include "simulation/peer_core.hpp"

namespace evio { inline namespace v0 { namespace detail {

using namespace sim;

// Owns everything in the simulation. It runs on one thread, so a run depends on the seed only.
class SimulationCore final : private Timed {
 public:
  SimulationCore(std::uint64_t from, const Faults& faults);
  SimulationCore(const SimulationCore&) = delete;
  SimulationCore& operator=(const SimulationCore&) = delete;
  ~SimulationCore();

  const std::uint64_t seed;
  World world;
  Network network;

  Server& serve(Events events, const std::vector<Binding>& bindings);
  Peer& connect(const Address& to, const std::optional<Address>& from);
  void run_for(Duration time);
  void run();
  void run_after(Duration delay, Callback<void()> fn);

 private:
  struct Served {
    std::unique_ptr<Server> server;
    SimulatedPlatform* platform;
    std::vector<Runner*> runners{};
    bool started = false;
    bool ended = false;
  };

  void due(std::uint64_t what) override;
  bool step(Duration until);
  void start(Served& served);
  void finish(Served& served);
  bool all_ended() const;

  const std::uint32_t member_;
  Bridges bridges_;
  Scheduler scheduler_;
  std::deque<Served> servers_;
  std::deque<PeerCore> peers_;
  std::vector<Callback<void()>> scripts_;
  std::vector<std::size_t> free_scripts_;
};

}}}  // namespace evio::v0::detail
