#include "backend/simulated/scheduler.hpp"

#include <algorithm>

namespace evio { inline namespace v0 { namespace detail {

void Scheduler::add(Runner& runner, SimulatedDriver& driver) {
  entries_.push_back({.runner = &runner, .driver = &driver, .number = added_++});
}

bool Scheduler::runs(const std::vector<Runner*>& runners) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return std::find(runners.begin(), runners.end(), entry.runner) != runners.end();
  });
}

bool Scheduler::step(Duration until) {
  world_.run_due();
  if (world_.now() >= until) return false;
  if (Entry* const chosen = choose()) {
    run_once(*chosen);
    bridges_.pump();
    return true;
  }
  if (bridges_.pump()) return true;
  const Duration time = next();
  if (time >= until) return false;
  world_.advance_to(time);
  return true;
}

// The random order of loops stands for the interleavings of their threads.
Scheduler::Entry* Scheduler::choose() {
  Entry* chosen = nullptr;
  std::uint64_t candidates = 0;
  for (Entry& entry : entries_) {
    if (entry.stalled_until > world_.now() || !entry.driver->wants_turn()) continue;
    if (++candidates == 1 || world_.chance.below(candidates) == 0) chosen = &entry;
  }
  return chosen;
}

// Faults of the whole machine happen here: a loop or all loops stall, or the clock jumps.
void Scheduler::run_once(Entry& entry) {
  if (world_.happens(Fault::loop_stall)) {
    entry.stalled_until = world_.now() + std::chrono::microseconds(world_.chance.upto(100'000));
    return;
  }
  if (world_.happens(Fault::process_stop)) {
    const Duration until = world_.now() + std::chrono::microseconds(world_.chance.upto(5'000'000));
    for (Entry& each : entries_) each.stalled_until = std::max(each.stalled_until, until);
    return;
  }
  if (world_.happens(Fault::clock_jump)) {
    const auto jump = std::chrono::milliseconds(world_.chance.upto(3'600'000));
    world_.note(Note::jumps, static_cast<std::uint64_t>(jump.count()));
    world_.advance(jump);
  }
  ++world_.stats.iterations;
  world_.note(Note::run_once, entry.number);
  const auto place = &entry - entries_.data();
  if (!entry.runner->run_once()) entries_.erase(entries_.begin() + place);
}

Duration Scheduler::next() {
  Duration next = world_.next().value_or(Duration::max());
  for (const Entry& entry : entries_) {
    const Duration wanted =
        entry.driver->wants_turn() ? Duration::zero() : entry.driver->parked_until();
    next = std::min(next, std::max(wanted, entry.stalled_until));
  }
  return next;
}

}}}  // namespace evio::v0::detail
