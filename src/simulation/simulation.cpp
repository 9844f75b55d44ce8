// The functions of the public class Simulation. Each is forwarded to SimulationCore.
#include <evio/simulation.hpp>
#include <utility>

#include "simulation/borrowed.hpp"
#include "simulation/simulation_core.hpp"

namespace evio { inline namespace v0 {

using namespace detail;

Simulation::Simulation(std::uint64_t seed, const Faults& faults)
    : core_(std::make_unique<SimulationCore>(seed, faults)) {}
Simulation::Simulation(std::string_view script, const Faults& faults)
    : Simulation(std::uint64_t{0}, faults) {
  core_->world.chance.follow(std::string(script));
}
Simulation::~Simulation() = default;

Server& Simulation::serve_bound(Events events, std::vector<Binding> addresses) {
  return core_->serve(std::move(events), std::move(addresses));
}
Server& Simulation::serve_borrowed(const Events& events, std::vector<Binding> addresses) {
  return core_->serve(borrowed(events), std::move(addresses));
}
Peer& Simulation::connect(std::string_view url) {
  return core_->connect(Address::parse(url), std::nullopt);
}
Peer& Simulation::connect(std::string_view url, std::string_view from) {
  return core_->connect(Address::parse(url), Address::parse(from));
}

void Simulation::run_for(Duration time) { core_->run_for(time); }
void Simulation::run() { core_->run(); }
void Simulation::run_after(Duration delay, Callback<void()> fn) {
  core_->run_after(delay, std::move(fn));
}

Duration Simulation::now() const noexcept { return core_->world.now(); }
std::uint64_t Simulation::seed() const noexcept { return core_->seed; }
std::uint64_t Simulation::random(std::uint64_t below) { return core_->world.chance.below(below); }
SimulationStats Simulation::stats() const noexcept {
  SimulationStats stats = core_->world.stats;
  stats.time = core_->world.now();
  return stats;
}
std::size_t Simulation::open_sockets() const noexcept { return core_->network.open_sides(); }
std::uint64_t Simulation::fingerprint() const noexcept { return core_->world.fingerprint(); }
void Simulation::record_trace() { core_->world.recording = true; }
const std::string& Simulation::trace() const noexcept { return core_->world.trace(); }

}}  // namespace evio::v0
