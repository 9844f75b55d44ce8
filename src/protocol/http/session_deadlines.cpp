// How long an HTTP connection waits for its client: one deadline, which looks at how long that was
// and goes on waiting for the rest. It is moved only when a wait begins that ends sooner.
#include <algorithm>
#include <evio/loop.hpp>

#include "protocol/http/progress.hpp"
#include "protocol/http/session.hpp"

namespace evio { inline namespace v0 { namespace http {

using Phase = Exchange::Phase;

void Session::opened() {
  since_ = progressed_ = now();
  due_ = from_now(settings().idle_timeout);
  timer_ = conn_.set_deadline(settings().idle_timeout,
                              [](Conn& conn) { conn.context<Session>()->check_deadlines(); });
}

// The largest Duration is never.
Session::Time Session::from_now(Duration time) const noexcept {
  return time < Time::max() - now() ? now() + time : Time::max();
}

Duration Session::elapsed_since(Time then) const noexcept {
  return conn_.loop().elapsed_since(then);
}

// What is waited for now, which began at since_, may take so long.
void Session::arm(Duration allowed) { expect_within(allowed - elapsed_since(since_)); }

// More time for a body of which so much was received; what came fast does not pay for silence
// later.
void Session::credit_body_bytes(std::size_t received) {
  const std::chrono::duration<double> worth(static_cast<double>(received) /
                                            static_cast<double>(settings().body_rate_min));
  const Duration behind = now() - since_;
  since_ += worth < behind ? std::chrono::duration_cast<Duration>(worth) : behind;
}

void Session::expect_within(Duration time) {
  time = std::max(time, Duration::zero());
  if (from_now(time) >= due_) return;
  due_ = from_now(time);
  timer_.restart(time);
}

Duration Session::allowed() const {
  if (!exchange_) return settings().idle_timeout;
  switch (exchange_->phase) {
    case Phase::header:
      return settings().header_timeout;
    case Phase::body:
      return settings().body_timeout;
    case Phase::answering:
      break;
  }
  return settings().send_timeout;
}

// Who has not received the last answer yet cannot ask again.
Duration Session::waited() const {
  const Duration time = elapsed_since(since_);
  return exchange_ ? time : std::min(time, conn_.idle_for());
}

void Session::check_deadlines() {
  if (upgraded_ || (closing_ && rest_.empty())) return;
  if (stalled()) return conn_.abort();
  const bool reads = !exchange_ || (exchange_->phase != Phase::answering && !exchange_->paused);
  const bool waits_for_client = reads && ready_;
  const Duration left = waits_for_client ? allowed() - waited() : settings().send_timeout;
  if (waits_for_client && left <= Duration::zero()) {
    if (exchange_)
      refuse(408);
    else
      closing_ = true;
    return finish();
  }
  due_ = from_now(left);
  timer_.restart(left);
}

// Whether the client takes nothing of what it is sent. The kernel, which keeps megabytes, takes
// more only once a third of them has left: it may be silent for long while a slow client reads.
bool Session::stalled() {
  const std::uint64_t taken = written_ - std::min<std::uint64_t>(written_, conn_.pending_output()) +
                              acknowledged(conn_.native_handle());
  if (!waited_ || taken != progress_) {
    progress_ = taken;
    progressed_ = now();
  }
  waited_ = conn_.pending_output() > 0;
  return elapsed_since(progressed_) >= settings().send_timeout;
}

}}}  // namespace evio::v0::http
