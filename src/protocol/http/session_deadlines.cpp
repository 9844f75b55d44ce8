// How long an HTTP connection waits for its client: one timer, which looks at the clock and goes on waiting for the
// rest. It is moved only when a wait begins that ends sooner.
#include <algorithm>
#include <evio/loop.hpp>

#include "protocol/http/progress.hpp"
#include "protocol/http/session.hpp"

namespace evio::inline v1::http {

using Phase = Exchange::Phase;

void Session::opened() {
  since_ = progressed_ = now();
  due_ = since_ + settings().idle_time;
  timer_ = conn_.run_after(settings().idle_time, [](Conn& conn) { conn.context<Session>()->patrol(); });
}

// What is waited for now, which began at since_, may take so long.
void Session::arm(Duration allowed) { expect_within(since_ + allowed - now()); }

// More time for a body of which so much was received; what came fast does not pay for silence later.
void Session::earn(std::size_t received) {
  const std::chrono::duration<double> worth(static_cast<double>(received) / static_cast<double>(settings().body_rate));
  since_ = std::min(now(), since_ + std::chrono::duration_cast<Duration>(worth));
}

void Session::expect_within(Duration time) {
  time = std::max(time, Duration::zero());
  if (now() + time >= due_) return;
  due_ = now() + time;
  timer_.restart(time);
}

Duration Session::allowed() const {
  if (!exchange_) return settings().idle_time;
  switch (exchange_->phase) {
    case Phase::header:
      return settings().header_time;
    case Phase::body:
      return settings().body_time;
    case Phase::answering:
      break;
  }
  return settings().send_time;
}

void Session::patrol() {
  if (upgraded_ || closing_) return;
  const Time time = now();
  if (stalled(time)) return conn_.abort();
  const bool reads = !exchange_ || (exchange_->phase != Phase::answering && !exchange_->paused);
  const bool waits_for_client = reads && ready_;
  const Time deadline = waits_for_client ? since_ + allowed() : time + settings().send_time;
  if (waits_for_client && time >= deadline) {
    if (exchange_)
      refuse(408);
    else
      closing_ = true;
    return finish();
  }
  due_ = deadline;
  timer_.restart(deadline - time);
}

// Whether the client takes nothing of what it is sent. The kernel, which keeps megabytes, takes more only once a third
// of them has left: it may be silent for long while a slow client reads.
bool Session::stalled(Time time) {
  const std::uint64_t taken =
      written_ - std::min<std::uint64_t>(written_, conn_.pending_output()) + acknowledged(conn_.native_handle());
  if (conn_.pending_output() == 0 || taken != progress_) {
    progress_ = taken;
    progressed_ = time;
  }
  return time - progressed_ >= settings().send_time;
}

}  // namespace evio::inline v1::http
