// The implementation of ServerTimer: a timer of loop 0 that any thread may use.
#pragma once

#include <atomic>
#include <evio/callback.hpp>
#include <evio/server_timer.hpp>
#include <evio/timer.hpp>
#include <memory>

#include "task_queue.hpp"

namespace evio { inline namespace v0 { namespace detail {

class TimerWheel;

// Arming, cancelling and restarting are posted to the loop. Once cancel() has returned, the
// callable does not begin to run any more, although the loop may not have run the posted task yet.
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
  TimerWheel& wheel_;  // used in tasks only: these run while the loop exists
  Timer timer_;        // used on the loop's thread only
  std::atomic<bool> cancelled_{false};
};

}}}  // namespace evio::v0::detail
