#include "backend/simulated/world.hpp"

#include <algorithm>
#include <cstdio>

namespace evio { inline namespace v0 { namespace detail {

namespace {

// The text of each Note: what happened to which subject, and a number.
constexpr const char* texts[] = {
    "fault %llu happens (%llu)",
    "peer %llu connects (%llu)",
    "peer %llu is refused (%llu)",
    "listener %llu accepts socket %llu",
    "socket %llu has %llu bytes moved to the other side",
    "socket %llu has its end moved to the other side (%llu)",
    "socket %llu breaks with error %llu",
    "socket %llu delivers %llu bytes to its server",
    "socket %llu accepts %llu bytes from its server",
    "socket %llu reports to its server that %llu bytes were sent",
    "socket %llu is being closed by its server (%llu)",
    "socket %llu is closed (error %llu)",
    "socket %llu is detached (%llu)",
    "loop %llu runs an iteration (%llu)",
    "port %llu gets a datagram of %llu bytes",
    "the clock jumps by %llu ms (%llu)",
};

}  // namespace

World::World(std::uint64_t seed, const Faults& faults) : chance(seed), faults_(faults) {}

// A fault with probability 0 draws no random number. So a world without faults is not changed when
// a new fault is added.
bool World::happens(Fault fault) {
  const double likely = probability(faults_, fault);
  if (likely <= 0) return false;
  if (faults_.phase > Duration::zero() && now_ >= phase_ends_) begin_phase();
  const auto number = static_cast<std::size_t>(fault);
  if ((off_ >> number & 1) != 0 || !chance(likely)) return false;
  ++stats.faults[number];
  note(Note::fault, number);
  return true;
}

// In each phase a random half of the faults is off, so that a run has quiet and stormy times.
void World::begin_phase() {
  off_ = static_cast<std::uint32_t>(chance.number());
  phase_ends_ = now_ + Duration(chance.upto(static_cast<std::uint64_t>(2 * faults_.phase.count())));
}

void World::advance_to(Duration time) noexcept { now_ = std::max(now_, time); }

std::uint32_t World::join(Timed& timed) {
  members_.push_back(&timed);
  return static_cast<std::uint32_t>(members_.size() - 1);
}

void World::schedule(std::uint32_t name, Duration at, std::uint64_t what) {
  agenda_.push_back({.at = at, .order = scheduled_++, .what = what, .member = name});
  std::push_heap(agenda_.begin(), agenda_.end(), later);
}

std::optional<Duration> World::next() const noexcept {
  if (agenda_.empty()) return std::nullopt;
  return agenda_.front().at;
}

void World::run_due() {
  while (!agenda_.empty() && agenda_.front().at <= now_) {
    std::pop_heap(agenda_.begin(), agenda_.end(), later);
    const Event event = agenda_.back();
    agenda_.pop_back();
    ++stats.events;
    last_event_ = now_;
    if (members_[event.member]) members_[event.member]->due(event.what);
  }
}

void World::pass(Duration time) {
  const Duration until = now_ + time;
  for (std::optional<Duration> at = next(); at && *at <= until; at = next()) {
    advance_to(*at);
    run_due();
  }
  advance_to(until);
}

void World::write(Note note, std::uint64_t subject, std::uint64_t object) {
  char line[160];
  const double seconds = std::chrono::duration<double>(now_).count();
  int size = std::snprintf(line, sizeof line, "%14.6f ", seconds);
  trace_.append(line, static_cast<std::size_t>(size));
  if (note == Note::fault) {
    trace_.append("fault: ").append(name(static_cast<Fault>(subject)));
  } else {
    size = std::snprintf(line, sizeof line, texts[static_cast<std::size_t>(note)],
                         static_cast<unsigned long long>(subject),
                         static_cast<unsigned long long>(object));
    trace_.append(line, static_cast<std::size_t>(size));
  }
  trace_ += '\n';
}

}}}  // namespace evio::v0::detail
