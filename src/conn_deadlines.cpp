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

// Looks once. Nobody expects bytes of one that is paused.
void Connection::await_first_bytes() {
  run_after(limits().first_bytes, Handler<void(Conn&)>([](Conn& conn) {
              auto& self = static_cast<Connection&>(conn);
              if (self.flags_.heard || self.phase_ != Phase::open) return;
              if (self.flags_.paused) return self.await_first_bytes();
              self.fail(Errc::first_bytes_timeout, self.output_ ? CloseMode::abort : CloseMode::orderly);
            }));
}

// Progress alone is not enough: a byte now and then would hold the output for ever.
void Connection::keep_pace() {
  flags_.paced = true;
  rare().owed = std::min(output_->size(), std::max<std::size_t>(limits().output_low, 1));
  run_after(limits().slow_reader,
            Handler<void(Conn&)>([](Conn& conn) { static_cast<Connection&>(conn).look_at_pace(); }));
}

void Connection::look_at_pace() {
  flags_.paced = false;
  if (rare_->owed > 0) return fail(Errc::slow_reader, CloseMode::abort);
  if (output_) keep_pace();
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
