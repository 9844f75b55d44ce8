// Random worlds, each named by its seed: everything that is promised holds in every one of them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <evio/simulation_search.hpp>

#include "model.hpp"
#include "support/process.hpp"

namespace evio::test {
namespace {

TEST(RandomWorlds, KeepEveryPromise) {
  const char* const seed = std::getenv("EVIO_SEED");
  const SearchOptions options{.first_seed = seed ? std::stoull(seed) : 1, .seeds = sanitized ? 300U : 3000U};
  const auto failure = search(options, make_steps,
                              [](std::uint64_t of, const std::vector<Step>& steps) { return Model(of).run(steps); });
  EXPECT_FALSE(failure) << *failure;
}

TEST(RandomWorlds, AreTheSameForTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= (sanitized ? 20 : 200); ++seed) {
    std::string traces[2];
    std::uint64_t fingerprints[2];
    for (int i = 0; i < 2; ++i) {
      Model model(seed);
      model.trace = true;
      model.run(make_steps(seed));
      fingerprints[i] = model.totals.fingerprint;
    }
    EXPECT_EQ(fingerprints[0], fingerprints[1]) << "seed " << seed;
  }
}

}  // namespace
}  // namespace evio::test
