// A server under many random connections for EVIO_SOAK_SECONDS (default 3): no byte may be wrong,
// and all resources are released at the end.
#include <malloc.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>

#include "crowd.hpp"
#include "service.hpp"
#include "support/behaviour.hpp"

namespace evio::test::soak {

using namespace detail;
namespace {

constexpr std::size_t growth_max = 24 * mib;  // what the allocator may hold in reserve

std::chrono::milliseconds asked_time() {
  const char* seconds = std::getenv("EVIO_SOAK_SECONDS");
  return std::chrono::milliseconds(seconds ? std::strtol(seconds, nullptr, 10) * 1000 : 3000);
}

class Soak : public Behaviour {
 protected:
  void run_crowds(std::chrono::milliseconds time, std::uint64_t seed) {
    const auto deadline = Client::Clock::now() + time;
    std::vector<Background> crowds;
    for (std::uint64_t i = 0; i < 2; ++i)
      crowds.emplace_back([this, deadline, seed, i] {
        Crowd((*server_)->addresses(), seed * 2 + i, totals_).run(deadline);
      });
  }
  void expect_all_released() {
    EXPECT_TRUE(eventually([&] {
      const Stats stats = (*server_)->stats();
      return service_.idle() && stats.accepted == totals_.connections && stats.open == 0 &&
             stats.memory == 0;
    }));
    EXPECT_EQ(service_.opened(), service_.closed());
    ::malloc_trim(0);
  }

  TemporaryDirectory directory_;
  Service service_;
  Totals totals_;
  std::optional<TestServer> server_;
};

TEST_P(Soak, LosesNoByteAndHoldsNoMemoryAtTheEnd) {
  const auto time = asked_time();
  const auto descriptors_at_rest = open_descriptors();
  server_.emplace(as_set_up(service_.events()), "tcp://127.0.0.1:0",
                  "unix://" + (directory_ / "socket"));
  run_crowds(time / 3, 0);
  expect_all_released();
  const auto descriptors = open_descriptors();
  const std::size_t memory = resident_bytes();
  run_crowds(time - time / 3, 1);
  expect_all_released();
  EXPECT_EQ(open_descriptors(), descriptors);
  if (!sanitized) {
    EXPECT_LT(resident_bytes(), memory + growth_max);
  }
  EXPECT_GT(totals_.connections, 0U);
  std::cout << name_of(backend()) << ": " << totals_.connections << " connections ("
            << totals_.endings[1] << " closed and " << totals_.endings[2] << " reset on the way), "
            << totals_.bytes / mib << " MiB, resident " << memory / kib << " and then "
            << resident_bytes() / kib << " KiB" << std::endl;
  server_.reset();
  EXPECT_EQ(open_descriptors(), descriptors_at_rest);
}

EVIO_ON_EVERY_BACKEND_WITH_LOOPS(Soak, 4);

}  // namespace
}  // namespace evio::test::soak
