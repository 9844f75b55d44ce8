// Decides what happens next in a simulated world: an iteration of a loop, or the next event.
#pragma once

#include <vector>

#include "backend/platform.hpp"
#include "backend/simulated/simulated_driver.hpp"
#include "backend/simulated/world.hpp"

namespace evio { inline namespace v0 { namespace detail {

class Scheduler {
 public:
  Scheduler(World& world, Bridges& bridges) : world_(world), bridges_(bridges) {}

  void add(Runner& runner, SimulatedDriver& driver);
  // Whether any of the runners has not ended.
  bool runs(const std::vector<Runner*>& runners) const;
  // Runs one iteration of a loop that has something to do, chosen at random. If there is none, time
  // advances to the next event. False if nothing happens before `until`.
  bool step(Duration until);

 private:
  struct Entry {
    Runner* runner;
    SimulatedDriver* driver;
    std::uint32_t number;
    Duration stalled_until{};
  };

  Entry* choose();
  void run_once(Entry& entry);
  Duration next();

  World& world_;
  Bridges& bridges_;
  std::vector<Entry> entries_;
  std::uint32_t added_ = 0;
};

}}}  // namespace evio::v0::detail
