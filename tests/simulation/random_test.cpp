// Random worlds, each determined by its seed: every rule holds in all of them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <evio/simulation_search.hpp>
#include <functional>
#include <string>
#include <vector>

#include "model.hpp"
#include "support/process.hpp"

namespace evio::test { namespace {

using namespace sim;

TEST(RandomWorlds, KeepEveryPromise) {
  const char* const seed = std::getenv("EVIO_SEED");
  const SearchOptions options{.first_seed = seed ? std::stoull(seed) : 1,
                              .seeds = sanitized ? 300U : 3000U};
  const auto failure =
      search(options, make_steps,
             [](std::uint64_t of, const std::vector<Step>& steps) { return Model(of).run(steps); });
  EXPECT_FALSE(failure) << *failure;
}

// A run does not depend on earlier runs or on memory addresses.
TEST(RandomWorlds, AreTheSameForTheSameSeed) {
  const auto traced = [](std::uint64_t seed) {
    Model model(seed);
    model.record_trace = true;
    model.run(make_steps(seed));
    EXPECT_FALSE(model.trace.empty());
    return std::hash<std::string>{}(model.trace);
  };
  constexpr std::uint64_t seeds = sanitized ? 30 : 400;
  std::vector<std::size_t> first;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) first.push_back(traced(seed));
  for (std::uint64_t seed = seeds; seed > 0; --seed)
    EXPECT_EQ(traced(seed), first[seed - 1]) << "seed " << seed;
}

}  // namespace
}  // namespace evio::test
