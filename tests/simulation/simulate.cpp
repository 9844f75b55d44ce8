// Runs random worlds for a given time and reports what happened: `make sim SECONDS=600`.
//
//     simulate --seconds 600 [--from SEED] [--failures COUNT]
//     simulate --seed SEED     (one world, with its trace)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <evio/simulation_search.hpp>
#include <iostream>
#include <string>

#include "model.hpp"

namespace {

using namespace evio;
using namespace evio::test;

// Shrinks one seed's steps and runs them with a trace.
int replay(std::uint64_t seed) {
  const auto failure =
      search({.first_seed = seed, .seeds = 1}, make_steps,
             [](std::uint64_t of, const std::vector<Step>& steps) { return Model(of).run(steps); });
  if (failure) std::cout << *failure << "\n";
  Model model(seed);
  model.record_trace = true;
  model.run(failure ? failure->steps : make_steps(seed));
  std::cout << model.trace;
  return failure ? 1 : 0;
}

void report(const Totals& totals, double seconds) {
  const SimulationStats& stats = totals.stats;
  std::printf("%llu seeds in %.1f s, %.0f us each\n", static_cast<unsigned long long>(totals.runs),
              seconds, seconds * 1e6 / static_cast<double>(totals.runs));
  std::printf("%.1f virtual hours, %.1f million iterations, %.1f million events\n",
              std::chrono::duration<double>(stats.time).count() / 3600,
              static_cast<double>(stats.iterations) / 1e6, static_cast<double>(stats.events) / 1e6);
  std::printf("%llu connections, %llu datagrams, %.1f MB to servers, %.1f MB from servers\n",
              static_cast<unsigned long long>(stats.connections),
              static_cast<unsigned long long>(stats.datagrams),
              static_cast<double>(stats.to_servers) / 1e6,
              static_cast<double>(stats.from_servers) / 1e6);
  std::printf("fingerprint of all that happened: %016llx\n",
              static_cast<unsigned long long>(totals.fingerprint));
  for (std::size_t i = 0; i < fault_count; ++i)
    std::printf("  %-22s %12llu\n", name(static_cast<Fault>(i)),
                static_cast<unsigned long long>(stats.faults[i]));
}

}  // namespace

int main(int argc, char** argv) {
  SearchOptions options{.seeds = UINT64_MAX / 2, .time = std::chrono::seconds(10)};
  int failures_max = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    const std::uint64_t value = std::stoull(argv[i + 1]);
    if (option == "--seed") return replay(value);
    if (option == "--seconds") options.time = std::chrono::seconds(value);
    if (option == "--from") options.first_seed = value;
    if (option == "--seeds") options.seeds = value;
    if (option == "--failures") failures_max = static_cast<int>(value);
  }
  Totals totals;
  const auto began = std::chrono::steady_clock::now();
  const auto run = [&](std::uint64_t seed, const std::vector<Step>& steps) {
    Model model(seed);
    const std::string why = model.run(steps);
    totals.add(model.totals);
    return why;
  };
  int failures = 0;
  while (const auto failure = search(options, make_steps, run)) {
    std::cout << *failure << "\n";
    if (++failures == failures_max) break;
    options.seeds -= failure->seed + 1 - options.first_seed;
    options.first_seed = failure->seed + 1;
    options.time -= std::min(options.time, std::chrono::seconds(1));
  }
  report(totals, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  return failures > 0 ? 1 : 0;
}
