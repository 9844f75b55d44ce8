#include "faults.hpp"

#include <atomic>
#include <cerrno>
#include <initializer_list>

namespace evio::test::faults {

namespace {

std::array<std::atomic<double>, fault_count> probabilities{};
std::atomic<std::uint64_t> chosen_seed{1};
std::atomic<unsigned> chosen_ring_entries{0};
std::atomic<std::uint64_t> drawn{0};
std::array<std::atomic<std::uint64_t>, fault_count> counts{};

// SplitMix64: the n-th number of a seed, the same on every thread.
std::uint64_t mix(std::uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

}  // namespace

std::string_view name_of(Fault fault) {
  static constexpr std::array<std::string_view, fault_count> names{
      "interrupted",    "again",
      "short_receive",  "short_send",
      "few_events",     "accept_aborted",
      "accept_refused", "receive_failed",
      "send_failed",    "datagram_refused",
      "watch_refused",  "multishot_ended",
      "no_buffers",     "entry_interrupted",
      "late_submission"};
  return names[static_cast<std::size_t>(fault)];
}

Plan unnoticeable(std::uint64_t seed) {
  static constexpr double often[] = {0, 0.01, 0.1, 0.3};
  Plan plan{.seed = seed};
  std::uint64_t bits = mix(seed + 1);
  for (const Fault fault :
       {Fault::interrupted, Fault::again, Fault::short_receive, Fault::short_send,
        Fault::few_events, Fault::accept_aborted, Fault::multishot_ended, Fault::no_buffers,
        Fault::entry_interrupted, Fault::late_submission}) {
    plan[fault] = often[bits & 3];
    bits >>= 2;
  }
  plan.ring_entries = (bits & 1) != 0 ? 4 : 0;
  return plan;
}

void set(const Plan& plan) {
  for (std::size_t i = 0; i < fault_count; ++i) probabilities[i] = plan.probability[i];
  chosen_seed = plan.seed;
  chosen_ring_entries = plan.ring_entries;
  drawn = 0;
  for (auto& count : counts) count = 0;
}

std::uint64_t happened(Fault fault) { return counts[static_cast<std::size_t>(fault)]; }

std::uint64_t draw() {
  return mix(chosen_seed * 0x9e3779b97f4a7c15 + drawn.fetch_add(1, std::memory_order_relaxed));
}

bool happens(Fault fault) {
  const double probability = probabilities[static_cast<std::size_t>(fault)];
  if (probability <= 0 || static_cast<double>(draw() >> 11) * 0x1p-53 >= probability) return false;
  counts[static_cast<std::size_t>(fault)].fetch_add(1, std::memory_order_relaxed);
  return true;
}

unsigned ring_entries() { return chosen_ring_entries; }

int fail_with(std::initializer_list<int> errors) {
  errno = errors.begin()[draw() % errors.size()];
  return -1;
}

}  // namespace evio::test::faults
