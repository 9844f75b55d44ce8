#include "reconnector.hpp"

#include <algorithm>
#include <evio/error.hpp>
#include <utility>

#include "loop.hpp"
#include "saturating.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 {

using namespace detail;

namespace {

void check(const Backoff& backoff) {
  const auto refuse = [](const char* problem) {
    throw Error(std::make_error_code(std::errc::invalid_argument), "", problem);
  };
  if (backoff.initial <= Duration::zero() || backoff.max < backoff.initial)
    refuse("Backoff::initial must be positive, and Backoff::max at least Backoff::initial");
  if (!(backoff.multiplier >= 1)) refuse("Backoff::multiplier must be 1 or more");
  if (backoff.reset_after < Duration::zero()) refuse("Backoff::reset_after must not be negative");
  if (!(backoff.jitter >= 0 && backoff.jitter <= 1))
    refuse("Backoff::jitter must be between 0 and 1");
}

Duration times(Duration delay, double factor) noexcept {
  const double product = static_cast<double>(delay.count()) * factor;
  return product < 0x1p63 ? Duration(static_cast<Duration::rep>(product)) : Duration::max();
}

}  // namespace

Reconnector::Reconnector(LoopCore& loop, const Binding& to, const Backoff& backoff)
    : loop_(loop), to_(to), backoff_(backoff), delay_(backoff.initial) {}

void Reconnector::start() {
  if (!stopped_) connection_ = loop_.connect(to_, loop_.next_id(), nullptr, shared_from_this());
}

void Reconnector::stop() noexcept {
  stopped_ = true;
  connection_ = nullptr;
  timer_.cancel();
}

void Reconnector::opened() noexcept {
  steady_at_ = saturating_sum(loop_.now(), backoff_.reset_after);
}

// Only a connection that stayed open for reset_after resets the delay: a server that accepts and
// closes at once must not be flooded with attempts.
void Reconnector::gone() {
  connection_ = nullptr;
  if (stopped_ || loop_.stopping()) return;
  if (std::exchange(steady_at_, Duration::max()) <= loop_.now()) delay_ = backoff_.initial;
  timer_ = loop_.timers().run_after(
      jittered(delay_), Callback<void()>([self = shared_from_this()] { self->start(); }));
  delay_ = std::min(times(delay_, backoff_.multiplier), backoff_.max);
}

// Shortens the delay by a random part, so that clients of a server that restarts do not all return
// at the same moment.
Duration Reconnector::jittered(Duration delay) const {
  const double drawn =
      static_cast<double>(loop_.server().platform().random() >> 11) * 0x1p-53;  // below 1
  const double share = 1 - backoff_.jitter * drawn;
  return times(delay, share);
}

Reconnecting::Reconnecting(Loop& loop, const Binding& to, const Backoff& backoff) {
  check_target(to);
  check(backoff);
  reconnector_ = std::make_shared<Reconnector>(static_cast<LoopCore&>(loop), to, backoff);
  reconnector_->start();
}

Reconnecting& Reconnecting::operator=(Reconnecting&& other) noexcept {
  stop();
  reconnector_ = std::move(other.reconnector_);
  return *this;
}

Conn* Reconnecting::connection() const noexcept {
  return reconnector_ ? reconnector_->connection() : nullptr;
}

void Reconnecting::stop() noexcept {
  if (reconnector_) reconnector_->stop();
}

}}  // namespace evio::v0
