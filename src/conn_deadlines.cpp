// The deadlines of a connection: first bytes, pace of output, idle, drain, linger, connect.
#include <algorithm>
#include <utility>

#include "conn.hpp"
#include "loop.hpp"

namespace evio { inline namespace v0 { namespace detail {

Duration Connection::idle_timeout() const noexcept {
  if (extra_ && extra_->idle_timeout) return *extra_->idle_timeout;
  return events().options.idle_timeout.value_or(Duration::zero());
}

bool Connection::read_when_congested() const noexcept {
  if (extra_ && extra_->read_when_congested) return *extra_->read_when_congested;
  return events().options.read_when_congested.value_or(false);
}

void Connection::note_activity() noexcept { activity_ = loop_.stamp(); }
Duration Connection::since_activity() const noexcept { return loop_.elapsed_since(activity_); }

Timer Connection::set_deadline(Duration delay, Callback<void(Conn&)> fn) {
  if (phase_ == Phase::finished) return {};
  return loop_.timers().set_deadline(delay, std::move(fn), *this, extra().timers);
}

void Connection::arm_deadline(Duration delay) {
  extra().deadline.cancel();
  extra().deadline = set_deadline(delay, Callback<void(Conn&)>([](Conn& conn) {
                                    static_cast<Connection&>(conn).deadline_passed();
                                  }));
}

// Checks once whether bytes were received. The time starts again while the connection is not read,
// since the peer's bytes may be waiting in the kernel.
void Connection::await_first_bytes() {
  set_deadline(limits().first_bytes_timeout, Callback<void(Conn&)>([](Conn& conn) {
                 auto& self = static_cast<Connection&>(conn);
                 if (self.flags_.received_any || self.phase_ != Phase::open) return;
                 if (!self.reading_wanted()) return self.await_first_bytes();
                 self.fail(Errc::first_bytes_timeout,
                           self.output_ ? CloseMode::abort : CloseMode::orderly);
               }));
}

// Requires a minimum of progress within each period, not just any: otherwise a peer that reads one
// byte now and then could hold the output's memory for ever.
void Connection::start_pace_check() {
  flags_.pace_check_armed = true;
  extra().min_progress_left =
      std::min(output_->size(), std::max<std::size_t>(limits().output_low, 1));
  extra().pace_began = loop_.now();
  arm_pace_check(limits().slow_reader_timeout);
}

void Connection::arm_pace_check(Duration time) {
  set_deadline(
      time, Callback<void(Conn&)>([](Conn& conn) { static_cast<Connection&>(conn).check_pace(); }));
}

// While the loop stalled, the peer could receive only what the kernel had. The time of these stalls
// is added to the period once.
void Connection::check_pace() {
  if (extra_->min_progress_left > 0) {
    const Duration stalled =
        loop_.stalls().since(std::exchange(extra_->pace_began, Duration::max()));
    if (stalled > Duration::zero()) return arm_pace_check(stalled);
    return fail(Errc::slow_reader, CloseMode::abort);
  }
  flags_.pace_check_armed = false;
  if (output_) start_pace_check();
}

// Restarting a timer for every byte would be expensive. Instead the idle and drain deadlines check,
// when they pass, how long ago a byte was last transferred, and restart for the rest.
void Connection::deadline_passed() {
  if (phase_ == Phase::lingering) return start_closing(CloseMode::orderly);
  if (phase_ == Phase::connecting) return connect_failed(Errc::connect_timeout);
  if (phase_ == Phase::open) return idle_deadline_passed();
  const Duration left = limits().drain_timeout - since_activity();
  if (left > Duration::zero()) return extra().deadline.restart(left);
  fail(Errc::drain_timeout, CloseMode::abort);
}

void Connection::idle_deadline_passed() {
  const Duration left = idle_time_left();
  if (left > Duration::zero()) return watch_idle(left);
  fail(Errc::idle_timeout, output_ ? CloseMode::abort : CloseMode::orderly);
}

// Connections that have the service's idle timeout share one IdleWatch, which costs four bytes for
// each. It is imprecise, therefore a connection arms a timer of its own when little time is left.
void Connection::watch_idle(Duration left) {
  const Duration timeout = idle_timeout();
  if (timeout <= Duration::zero()) return;
  if (shares_idle_timeout() && left > timeout / 8)
    loop_.watch_idle(*this, address_index_, timeout, left);
  else
    arm_deadline(left);
}

std::optional<Duration> Connection::look_if_idle() {
  if (phase_ != Phase::open || !shares_idle_timeout()) return std::nullopt;
  const Duration left = idle_time_left();
  if (left > idle_timeout() / 8) return left;
  arm_deadline(left);
  return std::nullopt;
}

// The idle timeout does not count the time in which the connection is not read: the peer's bytes
// may be waiting in the kernel. One that itself holds memory while memory is short is not exempt:
// closing it may be the only way to get memory back.
Duration Connection::idle_time_left() noexcept {
  const bool unread =
      flags_.paused || (flags_.attached && !flags_.receiving && !flags_.ended && holds_nothing());
  if (unread && !output_) note_activity();
  return idle_timeout() - since_activity();
}

}}}  // namespace evio::v0::detail
