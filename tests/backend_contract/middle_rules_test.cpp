// Single rules of the middle that only a driver as slow as the double tests, or tests every time.
#include <gtest/gtest.h>

#include "middle_world.hpp"
#include "rig.hpp"
#include "support/event_log.hpp"
#include "support/test_server.hpp"

namespace evio::test {

using namespace detail;
namespace {

constexpr std::uint64_t seeds = 20;

template <class One>
void run(const World::Setup& setup, int connections = 3) {
  const DescriptorCheck descriptors;
  for (std::uint64_t seed = first_seed();
       seed < first_seed() + seeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World(seed, setup).run(connections, [](World& world) { return std::make_unique<One>(world); });
  }
}

// Leaves its input, pauses, and consumes it only when reading resumes.
class Postponer : public Role {
 public:
  using Role::Role;

 protected:
  Action data(Conn& c, Input& in) override {
    if (postponed_ || in.empty()) {
      taken += in.take();
      postponed_ = false;
    } else {
      postponed_ = true;
      c.pause();
      c.run_after(Duration::zero(), [](Conn& later) { later.resume(); });
    }
    return Action::none;
  }
  Action ended(Conn&, Input& in) override {
    taken += in.take();
    return Action::close;
  }
  void check_whole() override { EXPECT_TRUE(same_bytes(taken, from_peer)); }

 private:
  bool postponed_ = false;
};

TEST(MiddleRules, ReadingRestartsThoughUnconsumedInputFillsTheMemory) {
  World::Setup setup;
  setup.limits.memory_max = 1000;
  run<Postponer>(setup);
}

// Not on the double: the kernel must accept the output before the queued sends arrive.
TEST(MiddleRules, CongestionEndsThoughQueuedSendsAreDropped) {
  EventLog log;
  TestServer server({.limits = {.output_high = 10'000, .output_low = 1'000},
                     .opened =
                         [](Conn& c) {
                           EXPECT_FALSE(c.write(pattern(20'000)));
                           c.shutdown_write();
                           c.handle().send(pattern(5'000));
                         },
                     .data = [&](Conn&, Input& in) { log.add(std::string(in.take())); },
                     .drained = [&] { log.add("drained"); }},
                    "tcp://127.0.0.1:0");
  Client client = server.connect();
  EXPECT_TRUE(same_bytes(client.receive_rest().bytes, pattern(20'000)));
  client.send("heard");
  EXPECT_TRUE(log.wait_for("heard"));
  EXPECT_EQ(log.count("drained"), 1U);
}

}  // namespace
}  // namespace evio::test
