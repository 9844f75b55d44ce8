// The middle on the asynchronous double, with random connections and random kernels; a seed
// determines each world.
#include <gtest/gtest.h>

#include "middle_roles.hpp"
#include "rig.hpp"
#include "support/process.hpp"

namespace evio::test {

using namespace detail;
namespace {

class Middle : public testing::Test {
 protected:
  template <class Make>
  void for_seeds(std::uint64_t count, const World::Setup& setup, Make make, int connections = 10) {
    if (sanitized) count /= 5;  // sanitizers take a multiple of the time
    const DescriptorCheck descriptors;
    for (std::uint64_t seed = first_seed(); seed < first_seed() + count && !HasFailure(); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      World(seed, setup).run(connections, make);
    }
  }
  template <class One>
  static std::unique_ptr<Role> a(World& world) {
    return std::make_unique<One>(world);
  }
};

TEST_F(Middle, EchoesEverything) { for_seeds(40, {}, a<Echo>); }
TEST_F(Middle, SendsWhatWasWrittenBeforeClosing) { for_seeds(40, {}, a<Producer>); }
TEST_F(Middle, DetachesWithoutLosingAByte) { for_seeds(40, {}, a<Detacher>); }
TEST_F(Middle, SendsThroughHandlesInOrder) { for_seeds(40, {}, a<Sender>); }
TEST_F(Middle, AbortsConnections) { for_seeds(40, {}, a<Aborter>); }

TEST_F(Middle, SupportsAllRolesAtOnce) { for_seeds(60, {}, any_role); }
TEST_F(Middle, SupportsAllRolesOnSeveralLoops) { for_seeds(40, {.loops = 3}, any_role, 20); }
TEST_F(Middle, SupportsAllRolesWithTinyKernelBuffers) { for_seeds(15, {.buffer = 4096}, any_role); }

TEST_F(Middle, SupportsAllRolesWithAPromptKernel) {
  for_seeds(40, {.faults = {.idle = 0.05, .partial_send = 0.05, .stray_return = 0}}, any_role);
}

TEST_F(Middle, SupportsAllRolesWithAVerySlowKernel) {
  for_seeds(15, {.faults = {.idle = 0.95, .partial_send = 0.9}}, any_role);
}
TEST_F(Middle, SupportsAllRolesWhenAcceptingFails) {
  for_seeds(4, {.faults = {.accept_failure = 0.1}}, any_role);
}
TEST_F(Middle, SurvivesPeersThatReset) { for_seeds(60, {.peer_resets = 0.02}, any_role, 20); }
TEST_F(Middle, SurvivesConnectionsThatBreak) {
  for_seeds(60, {.faults = {.reset = 0.002}}, any_role, 20);
}

TEST_F(Middle, StaysWithinItsMemory) {
  Limits limits{.output_high = 40'000, .output_low = 10'000};
  limits.memory_max = 5000;
  for_seeds(30, {.limits = limits}, a<Echo>);
}

TEST_F(Middle, ObeysConnectionsMax) {
  Limits limits{.output_high = 40'000, .output_low = 10'000};
  limits.connections_max = 2;
  for_seeds(30, {.peer_resets = 0.01, .limits = limits}, any_role, 20);
}

TEST_F(Middle, ReadsWhileCongested) {
  for_seeds(30, {.options = {.read_when_congested = true}}, any_role);
}

}  // namespace
}  // namespace evio::test
