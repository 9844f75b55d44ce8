// Private. A timer of loop 0 that any thread may name.
#pragma once

#include <atomic>
#include <evio/handler.hpp>
#include <evio/server_timer.hpp>
#include <evio/timer.hpp>
#include <memory>

#include "mailbox.hpp"

namespace evio::inline v1 {

class TimerWheel;

// Arming, cancelling and restarting travel to the loop by mail; what was cancelled does not run meanwhile.
class ServerTimerState : public std::enable_shared_from_this<ServerTimerState> {
 public:
  ServerTimerState(std::shared_ptr<Mailbox> mailbox, TimerWheel& wheel) : mailbox_(std::move(mailbox)), wheel_(wheel) {}

  void arm(Duration delay, Handler<void()> fn, Duration period);
  void cancel();
  void restart(Duration delay);

 private:
  void post(Handler<void()> fn);

  const std::shared_ptr<Mailbox> mailbox_;
  TimerWheel& wheel_;  // lives while mail is delivered
  Timer timer_;        // the loop's
  std::atomic<bool> cancelled_{false};
};

}  // namespace evio::inline v1
