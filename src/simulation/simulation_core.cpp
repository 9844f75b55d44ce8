#include "simulation/simulation_core.hpp"

#include <algorithm>
#include <utility>

#include "saturating.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 { namespace detail {

SimulationCore::SimulationCore(std::uint64_t from, const Faults& faults)
    : seed(from),
      world(from, faults),
      network(world),
      member_(world.join(*this)),
      bridges_(network),
      scheduler_(world, bridges_) {}

// Stops the servers in an orderly way, but at once. An exception of a handler is dropped here,
// since a destructor cannot pass it on.
SimulationCore::~SimulationCore() {
  for (Served& served : servers_) {
    if (!served.started || served.ended) continue;
    ServerAccess::core(*served.server).stop_now();
    try {
      const Duration enough = world.now() + std::chrono::hours(24);
      while (!served.ended && step(enough)) {
      }
    } catch (...) {
      served.ended = true;
    }
  }
  world.leave(member_);
}

Server& SimulationCore::serve(Events events, const std::vector<Binding>& bindings) {
  auto platform = std::make_unique<SimulatedPlatform>(world, network, bridges_);
  SimulatedPlatform* const made = platform.get();
  auto server = std::unique_ptr<Server>(  // NOLINT(modernize-make-unique): it cannot be moved
      new Server(ServerAccess::make(std::move(platform), std::move(events), bindings)));
  servers_.push_back({.server = std::move(server), .platform = made});
  return *servers_.back().server;
}

Peer& SimulationCore::connect(const Address& to, const std::optional<Address>& from) {
  return peers_.emplace_back(world, network, to, from, static_cast<std::uint32_t>(peers_.size()))
      .peer;
}

// ---- Time

void SimulationCore::run_for(Duration time) {
  const Duration until = saturating_sum(world.now(), time);
  while (step(until)) {
  }
  world.advance_to(until);
}

// Runs until all servers have ended and no event is left, or until only timers are left that are
// more than an hour ahead: idle servers would otherwise run for ever.
void SimulationCore::run() {
  constexpr Duration timeout = std::chrono::hours(1);
  const Duration begun = world.now();
  const auto until = [&] {
    return std::max(std::max(begun, world.last_event()) + timeout,
                    world.next().value_or(begun) + Duration(1));
  };
  while (step(until()))
    if (all_ended() && !world.next()) return;
}

bool SimulationCore::step(Duration until) {
  for (Served& served : servers_)
    if (!served.started) start(served);
  const bool more = scheduler_.step(until);
  for (Served& served : servers_)
    if (!served.ended && !scheduler_.runs(served.runners)) finish(served);
  return more;
}

void SimulationCore::start(Served& served) {
  served.started = true;
  served.runners = ServerAccess::core(*served.server).start();
  for (std::size_t i = 0; i < served.runners.size(); ++i)
    scheduler_.add(*served.runners[i], served.platform->driver(i));
}

void SimulationCore::finish(Served& served) {
  served.ended = true;
  ServerAccess::core(*served.server).finish();
}

bool SimulationCore::all_ended() const {
  return std::all_of(servers_.begin(), servers_.end(),
                     [](const Served& served) { return served.ended; });
}

// ---- Scripts

void SimulationCore::run_after(Duration delay, Callback<void()> fn) {
  if (free_scripts_.empty()) {
    free_scripts_.push_back(scripts_.size());
    scripts_.emplace_back();
  }
  const std::size_t place = free_scripts_.back();
  free_scripts_.pop_back();
  scripts_[place] = std::move(fn);
  world.schedule(member_, saturating_sum(world.now(), std::max(delay, Duration::zero())), place);
}

void SimulationCore::due(std::uint64_t what) {
  const Callback<void()> fn = std::exchange(scripts_[what], {});
  free_scripts_.push_back(what);
  fn();
}

}}}  // namespace evio::v0::detail
