// Searches for a seed with which a workload fails, and shortens that workload.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <ostream>
#include <string>
#include <type_traits>
#include <vector>

namespace evio { inline namespace v0 { namespace sim {

/// Which seeds a search tries, and for how long.
struct SearchOptions {
  /// The first seed; those after it are tried in order.
  std::uint64_t first_seed = 1;
  /// How many seeds are tried.
  std::uint64_t seeds = 1000;
  /// If not 0: no seed is begun after this much real time.
  std::chrono::seconds time{};
  /// How many runs may be spent on shortening a workload that fails.
  std::size_t shrink_runs = 1000;
};

/// The first failure that a search found.
template <class Step>
struct SearchFailure {
  /// The seed with which it failed.
  std::uint64_t seed = 0;
  /// What was wrong in the run of the shortened workload.
  std::string why;
  /// The shortened workload: no single step can be left out, unless shrink_runs were used up.
  std::vector<Step> steps;
  /// How many steps there were before shortening.
  std::size_t steps_at_first = 0;

  /// Prints the seed, the reason and, if they can be printed, the steps.
  friend std::ostream& operator<<(std::ostream& out, const SearchFailure& failure) {
    out << "seed " << failure.seed << ": " << failure.why << "\n  after " << failure.steps.size()
        << " of " << failure.steps_at_first << " steps";
    if constexpr (requires(const Step& step) { out << step; })
      for (const Step& step : failure.steps) out << "\n  " << step;
    return out;
  }
};

/// Runs a workload with one seed after another. `make(seed)` returns its steps, a vector.
/// `run(seed, steps)` plays them to a new Simulation and returns what was wrong, or "" for success;
/// an exception counts as wrong. After the first failure, steps are left out as long as a run still
/// fails, whatever reason it then gives. Returns no value if no seed failed.
///
///     const auto failure = evio::sim::search({.seeds = 5000}, make_steps, run_steps);
///     EXPECT_FALSE(failure) << *failure;
template <class Make, class Run>
auto search(const SearchOptions& options, Make&& make, Run&& run) -> std::optional<
    SearchFailure<typename std::invoke_result_t<Make&, std::uint64_t>::value_type>> {
  using Step = typename std::invoke_result_t<Make&, std::uint64_t>::value_type;
  const auto outcome = [&](std::uint64_t seed, const std::vector<Step>& steps) -> std::string {
    try {
      return run(seed, steps);
    } catch (const std::exception& exception) {
      return std::string("an exception: ") + exception.what();
    }
  };
  const auto began = std::chrono::steady_clock::now();
  const auto late = [&] {
    return options.time.count() > 0 && std::chrono::steady_clock::now() - began > options.time;
  };
  for (std::uint64_t seed = options.first_seed;
       seed < options.first_seed + options.seeds && !late(); ++seed) {
    std::vector<Step> steps = make(seed);
    std::string why = outcome(seed, steps);
    if (why.empty()) continue;
    SearchFailure<Step> failure{
        .seed = seed, .why = why, .steps = steps, .steps_at_first = steps.size()};
    std::size_t runs = 0;
    // Leaves out ever smaller parts, first halves and last single steps, until nothing more can go.
    for (std::size_t part = (steps.size() + 1) / 2; part > 0 && runs < options.shrink_runs;) {
      bool shorter = false;
      for (std::size_t at = 0; at < failure.steps.size() && runs < options.shrink_runs; ++runs) {
        std::vector<Step> fewer = failure.steps;
        const auto from = fewer.begin() + static_cast<std::ptrdiff_t>(at);
        fewer.erase(from, from + static_cast<std::ptrdiff_t>(std::min(part, fewer.size() - at)));
        why = outcome(seed, fewer);
        if (why.empty()) {
          at += part;
          continue;
        }
        failure.why = why;
        failure.steps = std::move(fewer);
        shorter = true;
      }
      if (part > 1)
        part /= 2;
      else if (!shorter)
        break;
    }
    return failure;
  }
  return std::nullopt;
}

}}}  // namespace evio::v0::sim
