#include "idle_watch.hpp"

#include <algorithm>
#include <utility>

#include "timer_wheel.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

constexpr Duration longest = std::chrono::hours(24 * 365);  // prevents overflow of sums
constexpr Duration shortest_step = std::chrono::milliseconds(1);

}  // namespace

IdleWatch::IdleWatch(TimerWheel& wheel, Clock now, Duration timeout, Look look)
    : wheel_(wheel),
      now_(std::move(now)),
      step_(std::max(std::min(timeout, longest) / static_cast<int>(steps), shortest_step)),
      look_(std::move(look)) {}

void IdleWatch::add(std::uint32_t slot, Duration left) {
  if (slot >= watched_.size()) watched_.resize(slot + 1);
  // It will be looked at in time: idle timeouts only move later. If the slot belongs to a new
  // connection now, the look finds out how much time that one has left.
  if (watched_[slot]) return;
  watched_[slot] = true;
  const Step step = step_at(now_() + std::min(left, longest));
  place(slot, step);
  if (timer_.active() && step >= next_) return;
  timer_.cancel();
  next_ = step;
  arm();
}

// Arms the timer for the first step that is not empty.
void IdleWatch::arm() {
  for (const Step end = next_ + places; next_ < end; ++next_) {
    if (ring_[next_ % places].empty()) continue;
    const Duration due = step_ * static_cast<std::int64_t>(next_);
    timer_ = wheel_.run_after(due - now_(), Callback<void()>([this] { run_once(); }));
    return;
  }
}

void IdleWatch::run_once() {
  const Duration now = now_();
  const Step last = step_at(now);
  std::vector<std::uint32_t> due;
  for (Step step = next_; step <= last && step < next_ + places; ++step) {
    std::vector<std::uint32_t>& passed = ring_[step % places];
    due.insert(due.end(), passed.begin(), passed.end());
    passed = {};
  }
  next_ = last + 1;
  for (const std::uint32_t slot : due) {
    const std::optional<Duration> left = look_(slot);
    if (left)
      place(slot, std::max(next_, step_at(now + std::min(*left, longest))));
    else
      watched_[slot] = false;
  }
  arm();
}

}}}  // namespace evio::v0::detail
