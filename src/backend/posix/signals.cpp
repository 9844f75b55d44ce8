#include "backend/posix/signals.hpp"

#include <atomic>
#include <csignal>
#include <evio/error.hpp>

namespace evio::inline v1 {

namespace {

std::atomic<Stoppable*> the_target{nullptr};
std::atomic<bool> stopped{false};
std::atomic<int> handling{0};  // signal handlers that are looking at the target

void on_signal(int) {
  handling.fetch_add(1);
  if (Stoppable* target = the_target.load()) {
    if (stopped.exchange(true))
      target->stop_now();
    else
      target->stop();
  }
  handling.fetch_sub(1);
}

class Caught {
 public:
  explicit Caught(Stoppable& target) {
    Stoppable* none = nullptr;
    if (!the_target.compare_exchange_strong(none, &target))
      throw Error(std::make_error_code(std::errc::device_or_resource_busy), "",
                  "handle_signals is set, but another server of this process has the signals: set it for one of them");
    stopped = false;
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, &old_interrupt_);
    ::sigaction(SIGTERM, &action, &old_terminate_);
  }
  Caught(const Caught&) = delete;
  Caught& operator=(const Caught&) = delete;
  ~Caught() {
    ::sigaction(SIGINT, &old_interrupt_, nullptr);
    ::sigaction(SIGTERM, &old_terminate_, nullptr);
    the_target.store(nullptr);
    while (handling.load() > 0) {  // on another thread, for a few instructions more
    }
  }

 private:
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
};

}  // namespace

std::shared_ptr<void> catch_signals(Stoppable& target) { return std::make_shared<Caught>(target); }

}  // namespace evio::inline v1
