// Looks for a seed that breaks a workload, and for a short workload that still does.
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

/// Where to search, and for how long.
struct SearchOptions {
  std::uint64_t first_seed = 1;    ///< the seeds that follow it are tried in order
  std::uint64_t seeds = 1000;      ///< how many to try
  std::chrono::seconds time{};     ///< if not 0: begin no seed after so much real time
  std::size_t shrink_runs = 1000;  ///< runs that may be spent on making a failing workload shorter
};

/// What a search found: the first seed that failed.
template <class Step>
struct SearchFailure {
  std::uint64_t seed = 0;   ///< with which it failed
  std::string why;          ///< of the short workload
  std::vector<Step> steps;  ///< no single one of them can be left out, unless the runs were used up
  std::size_t steps_at_first = 0;  ///< how many there were before they were made fewer

  /// With the steps, if they can be printed.
  friend std::ostream& operator<<(std::ostream& out, const SearchFailure& failure) {
    out << "seed " << failure.seed << ": " << failure.why << "\n  after " << failure.steps.size()
        << " of " << failure.steps_at_first << " steps";
    if constexpr (requires(const Step& step) { out << step; })
      for (const Step& step : failure.steps) out << "\n  " << step;
    return out;
  }
};

/// Runs a workload for one seed after the other: make(seed) gives its steps, a vector; run(seed,
/// steps) plays them to a new Simulation and says what was wrong, or "" (an exception is wrong
/// too). On the first failure, steps are left out as long as it still fails, whatever it then says.
/// Nothing found: no value.
///
///     const auto failure = evio::search({.seeds = 5000}, make_steps, run_steps);
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
