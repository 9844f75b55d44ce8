#include "backend/posix/signals.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <evio/error.hpp>
#include <iterator>

namespace evio { inline namespace v0 { namespace detail {

namespace {

std::atomic<Stoppable*> the_target{nullptr};
std::atomic<bool> stopped{false};
std::atomic<int> handling{0};  // signal handlers that are using the target now

constexpr int caught[] = {SIGINT, SIGTERM};
struct sigaction old_actions[std::size(caught)];
std::atomic<pid_t> catcher{
    0};  // not a Maker: a signal may arrive before the child's atfork handler has run

struct sigaction& old_action(int signal) noexcept {
  return old_actions[signal == caught[0] ? 0 : 1];
}

// In a forked child this handler must not stop the server. There it restores the previous
// disposition and raises the signal again, which is delivered when this returns.
void on_signal(int signal) {
  if (catcher != ::getpid()) {
    ::sigaction(signal, &old_action(signal), nullptr);
    ::raise(signal);
    return;
  }
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
                  "another server of this process handles signals already: set handle_signals for "
                  "one of them only");
    stopped = false;
    catcher = ::getpid();
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (const int signal : caught) {
      ::sigaction(signal, nullptr, &old_action(signal));
      if (old_action(signal).sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);
    }
  }
  Caught(const Caught&) = delete;
  Caught& operator=(const Caught&) = delete;
  ~Caught() {
    for (const int signal : caught) ::sigaction(signal, &old_action(signal), nullptr);
    the_target.store(nullptr);
    // A handler may be running on another thread, for a few instructions more.
    while (catcher == ::getpid() && handling.load() > 0) {
    }
  }
};

}  // namespace

std::shared_ptr<void> catch_signals(Stoppable& target) { return std::make_shared<Caught>(target); }

}}}  // namespace evio::v0::detail
