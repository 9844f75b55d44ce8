// The probabilities of faults: Faults::all and Faults::swarm.
#include <evio/faults.hpp>

#include "backend/simulated/chance.hpp"

namespace evio { inline namespace v0 { namespace sim {

using namespace detail;

namespace {

struct Kind {
  const char* name;
  double Faults::*probability;
  double now_and_then;
  double often;
};

// Faults that end a connection or take virtual time are rarer than those that only make the kernel
// less helpful: otherwise few connections would get far.
constexpr Kind kinds[] = {
    {"short_read", &Faults::short_read, 0.2, 0.9},
    {"short_write", &Faults::short_write, 0.2, 0.9},
    {"late_send", &Faults::late_send, 0.2, 1},
    {"late_receive", &Faults::late_receive, 0.3, 1},
    {"late_accept", &Faults::late_accept, 0.3, 1},
    {"late_close", &Faults::late_close, 0.3, 1},
    {"late_event", &Faults::late_event, 0.1, 0.7},
    {"stray_wake", &Faults::stray_wake, 0.02, 0.2},
    {"buffer_exhaustion", &Faults::buffer_exhaustion, 0.1, 0.6},
    {"accept_error", &Faults::accept_error, 0.1, 0.4},
    {"accept_abort", &Faults::accept_abort, 0.05, 0.3},
    {"loop_stall", &Faults::loop_stall, 0.01, 0.1},
    {"clock_jump", &Faults::clock_jump, 0.001, 0.005},
    {"process_stop", &Faults::process_stop, 0.002, 0.01},
    {"slow_handler", &Faults::slow_handler, 0.01, 0.03},
    {"delay", &Faults::delay, 0.05, 0.3},
    {"stall", &Faults::stall, 0.005, 0.05},
    {"reset", &Faults::reset, 0.005, 0.05},
    {"half_close", &Faults::half_close, 0.01, 0.2},
    {"connect_failure", &Faults::connect_failure, 0.02, 0.3},
    {"datagram_lost", &Faults::datagram_lost, 0.1, 0.5},
    {"datagram_duplicated", &Faults::datagram_duplicated, 0.1, 0.5},
    {"datagram_reordered", &Faults::datagram_reordered, 0.1, 0.5},
    {"datagram_refused", &Faults::datagram_refused, 0.1, 0.5},
};
static_assert(sizeof kinds / sizeof kinds[0] == fault_count);

}  // namespace

const char* name(Fault fault) noexcept { return kinds[static_cast<std::size_t>(fault)].name; }

double& probability(Faults& faults, Fault fault) noexcept {
  return faults.*kinds[static_cast<std::size_t>(fault)].probability;
}

Faults Faults::all() {
  Faults faults;
  for (const Kind& kind : kinds) faults.*kind.probability = kind.now_and_then;
  return faults;
}

// Each fault is on with probability 1/2: some bugs appear only when a fault is frequent and another
// one is absent (swarm testing).
Faults Faults::swarm(std::uint64_t seed) {
  Chance chance(~seed);
  Faults faults;
  for (const Kind& kind : kinds) {
    const bool on = chance(0.5);
    const double strength = static_cast<double>(chance.upto(100)) / 100;
    if (on) faults.*kind.probability = kind.often * strength * strength;
  }
  if (chance(0.5)) faults.phase = std::chrono::milliseconds(chance.upto(5000));
  return faults;
}

}}}  // namespace evio::v0::sim
