// Checks of one loop's timers: none early, in the order of their deadlines, and none after it was
// cancelled.
#pragma once

#include <evio/evio.hpp>

namespace evio::test {

class Model;

class TimerChecks {
 public:
  void arm(Model& model, Loop& loop);

 private:
  void ran(Model& model, Loop& loop, Duration deadline);

  Duration last_deadline_{};
  Timer last_;
  Duration every_begun_{};
  std::int64_t every_count_ = 0;
};

}  // namespace evio::test
