// Finds the connections of a loop that have been idle for too long, by looking at each now and
// then.
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

/// Calls `look` for each slot when its time has nearly passed: up to a sixteenth of the timeout (or
/// one millisecond) early. `look` returns the time after which it must be called again, or none.
/// Received and sent bytes cost nothing here, and a slot takes four bytes; a timer for each
/// connection would cost more than the rest of an idle connection. One thread.
class IdleWatch {
 public:
  using Look = Callback<std::optional<Duration>(std::uint32_t slot)>;
  using Clock = Callback<Duration()>;

  /// The wheel, and everything that `now` refers to, must outlive it.
  IdleWatch(TimerWheel& wheel, Clock now, Duration timeout, Look look);
  IdleWatch(const IdleWatch&) = delete;
  IdleWatch& operator=(const IdleWatch&) = delete;
  ~IdleWatch() { timer_.cancel(); }

  /// Calls `look` for the slot after `left`, which is at most the timeout.
  void add(std::uint32_t slot, Duration left);

 private:
  static constexpr std::uint64_t steps = 16;   // so many steps are one timeout
  static constexpr std::uint64_t places = 32;  // more than `steps`, so that the ring never overlaps
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
  Step next_ = 0;              // the first step that was not looked at yet
  Timer timer_;
};

}}}  // namespace evio::v0::detail
