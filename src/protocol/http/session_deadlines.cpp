// The timeouts of an HTTP connection. There is one timer. When it expires, check_deadlines()
// computes how much of the present wait is left and sets it again. It is restarted earlier only for
// a wait that ends before it: so requests that are answered in time never change the timer.
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

// Adding Duration::max() would overflow: it stands for never.
Session::Time Session::from_now(Duration time) const noexcept {
  return time < Time::max() - now() ? now() + time : Time::max();
}

Duration Session::elapsed_since(Time then) const noexcept {
  return conn_.loop().elapsed_since(then);
}

// The present wait, which began at since_, may take so long.
void Session::arm(Duration allowed) { expect_within(allowed - elapsed_since(since_)); }

// Moves the beginning of the wait for the body by the time that the received bytes are worth at
// body_rate_min, but never into the future: a fast beginning must not pay for a long pause later.
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

// How long the client has been waited for. Between requests the time during which output still left
// does not count: a client that has not received the last answer cannot send the next request.
Duration Session::waited() const {
  const Duration time = elapsed_since(since_);
  return exchange_ ? time : std::min(time, conn_.idle_for());
}

void Session::check_deadlines() {
  // After an upgrade the new protocol has its own timers; a closing connection has Limits'.
  if (upgraded_ || (closing_ && !rest_)) return;
  if (stalled()) return conn_.abort();
  const bool reads = !exchange_ || (exchange_->phase != Phase::answering && !exchange_->paused);
  const bool waits_for_client = reads && ready_;
  const Duration left = waits_for_client ? allowed() - waited() : settings().send_timeout;
  if (waits_for_client && left <= Duration::zero()) {
    if (exchange_)
      refuse(408);
    else
      closing_ = true;  // no request has begun: there is nothing to answer
    return finish();
  }
  due_ = from_now(left);
  timer_.restart(left);
}

// Whether the client has received nothing for send_timeout. The kernel's send buffer holds
// megabytes, and the kernel accepts more only after a third of them has left. With a slow client
// that can take longer than the timeout, so what the client has acknowledged counts too.
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
