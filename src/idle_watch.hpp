// Which connections of a loop have been idle for too long: each is looked at once in a
// while.
#pragma once

#include <array>
#include <cstdint>
#include <evio/callback.hpp>
#include <evio/duration.hpp>
#include <evio/timer.hpp>
#include <optional>
#include <vector>

namespace evio { inline namespace v0 { namespace detail {

class TimerWheel;

/// Asks about each slot that was added when its time has nearly passed, by up to a sixteenth of the
/// patience (or a millisecond) too early; and again after as long as the answer says, until the
/// answer is none. Bytes that move cost nothing here, and a slot four bytes: one that is added
/// again before its turn comes still stands there. One thread.
class IdleWatch {
 public:
  using Look = Callback<std::optional<Duration>(std::uint32_t slot)>;
  using Clock = Callback<Duration()>;

  /// The wheel, and what the clock looks at, must outlive it.
  IdleWatch(TimerWheel& wheel, Clock now, Duration timeout, Look look);
  IdleWatch(const IdleWatch&) = delete;
  IdleWatch& operator=(const IdleWatch&) = delete;
  ~IdleWatch() { timer_.cancel(); }

  /// `left`: until it is to be asked about; at most the patience.
  void add(std::uint32_t slot, Duration left);

 private:
  static constexpr std::uint64_t steps = 16;   // of the patience
  static constexpr std::uint64_t places = 32;  // more than the steps ahead of the one that is due
  using Step = std::uint64_t;

  Step step_at(Duration time) const noexcept { return static_cast<Step>(time / step_); }
  void place(std::uint32_t slot, Step step) { ring_[step % places].push_back(slot); }
  void arm();
  void run_once();

  TimerWheel& wheel_;
  const Clock now_;
  const Duration step_;
  const Look look_;
  std::array<std::vector<std::uint32_t>, places> ring_;
  std::vector<bool> watched_;  // by slot
  Step next_ = 0;              // the first step that was not looked at
  Timer timer_;
};

}}}  // namespace evio::v0::detail
