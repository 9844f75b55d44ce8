// When a connection has waited long enough.
#include <algorithm>

#include "conn.hpp"
#include "loop.hpp"

namespace evio::inline v1 {

Duration Connection::idle_timeout() const noexcept {
  if (rare_ && rare_->idle_timeout) return *rare_->idle_timeout;
  return events().options.idle_timeout.value_or(Duration::zero());
}

bool Connection::read_when_congested() const noexcept {
  if (rare_ && rare_->read_when_congested) return *rare_->read_when_congested;
  return events().options.read_when_congested.value_or(false);
}

void Connection::note_activity() noexcept { activity_ms_ = loop_.now_ms() + 1; }

// Never more than has passed: activity is rounded up to its millisecond, and the difference survives a wrap.
Duration Connection::since_activity() const noexcept {
  return std::chrono::milliseconds(std::max(static_cast<std::int32_t>(loop_.now_ms() - activity_ms_), 0));
}

void Connection::arm_deadline(Duration delay) {
  rare().deadline.cancel();
  rare().deadline = loop_.timers().run_after(
      delay, Handler<void(Conn&)>([](Conn& conn) { static_cast<Connection&>(conn).deadline_passed(); }), *this,
      rare().timers);
}

// Idle and drain deadlines are not moved by every byte: they look, when they pass, at how long nothing moved.
void Connection::deadline_passed() {
  if (phase_ == Phase::lingering) return start_closing(CloseMode::orderly);
  if (phase_ == Phase::connecting) return connect_failed(Errc::connect_timeout);
  const bool open = phase_ == Phase::open;
  const Duration patience = open ? idle_timeout() : limits().drain;
  if (open && flags_.paused && !output_) note_activity();  // stands still
  const Duration left = patience - since_activity();
  if (left > Duration::zero()) return rare().deadline.restart(left);
  if (open)
    fail(Errc::idle_timeout, output_ ? CloseMode::abort : CloseMode::orderly);
  else
    fail(Errc::drain_timeout, CloseMode::abort);
}

}  // namespace evio::inline v1
