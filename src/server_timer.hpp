// A timer of loop 0 that any thread may name.
#pragma once

#include <atomic>
#include <evio/callback.hpp>
#include <evio/server_timer.hpp>
#include <evio/timer.hpp>
#include <memory>

#include "task_queue.hpp"

namespace evio { inline namespace v0 { namespace detail {

class TimerWheel;

// Arming, cancelling and restarting travel to the loop by mail; what was cancelled does not run
// meanwhile.
class ServerTimerState : public std::enable_shared_from_this<ServerTimerState> {
 public:
  ServerTimerState(std::shared_ptr<TaskQueue> tasks, TimerWheel& wheel)
      : tasks_(std::move(tasks)), wheel_(wheel) {}

  void arm(Duration delay, Callback<void()> fn, Duration period);
  void cancel();
  void restart(Duration delay);

 private:
  void post(Callback<void()> fn);

  const std::shared_ptr<TaskQueue> tasks_;
  TimerWheel& wheel_;  // lives while mail is delivered
  Timer timer_;        // the loop's
  std::atomic<bool> cancelled_{false};
};

}}}  // namespace evio::v0::detail
