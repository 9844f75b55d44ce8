// The timers of one loop: a hierarchical wheel of 1 ms ticks.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <evio/callback.hpp>
#include <evio/duration.hpp>
#include <evio/timer.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "owner_thread.hpp"
#include "slab.hpp"

namespace evio { inline namespace v0 {
class Conn;
}}  // namespace evio::v0

namespace evio { inline namespace v0 { namespace detail {

class Stalls;

/// The timers that die with a connection. Must be cancelled by TimerWheel::cancel_group before it
/// goes, and stay at its address while it has any.
struct TimerGroup {
  std::uint32_t first = Slab<int>::none;
};

/// Runs callables at their time. Arming, cancelling and restarting are O(1), whatever is armed;
/// what is armed costs nothing until its time comes. None runs early, by the times given to
/// advance(). Those due run in the order of their deadlines, equal ones in the order in which they
/// were armed.
///
/// A deadline that judges a peer (set_deadline) is found due by advance() like any other, but waits
/// for judge().
///
/// Held by a shared_ptr, so that a Timer may outlive it. All calls, and those on its Timers, may be
/// made inside its callables and in their destructors, advance() excepted. It may be told any time:
/// an earlier one than before, too. One thread.
class TimerWheel : public std::enable_shared_from_this<TimerWheel> {
 public:
  using Clock = Callback<Duration()>;  ///< monotonic, not negative; asked when something is armed
  using TimerCallback = std::variant<Callback<void()>, Callback<void(Conn&)>>;
  using Run = Callback<void(TimerCallback&, Conn*)>;

  explicit TimerWheel(Clock clock);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Arms fn. A negative delay counts as none. With a period it runs again every `period` after its
  /// first deadline, however late it ran; those missed meanwhile are skipped.
  Timer run_after(Duration delay, Callback<void()> fn, Duration period = {});
  /// Arms fn for a connection, which must outlive it: cancel its group in time.
  Timer run_after(Duration delay, Callback<void(Conn&)> fn, Conn& owner, TimerGroup& group);
  /// The same for a deadline that judges a peer: runs by judge().
  Timer set_deadline(Duration delay, Callback<void()> fn);
  Timer set_deadline(Duration delay, Callback<void(Conn&)> fn, Conn& owner, TimerGroup& group);
  /// Cancels every timer of the group.
  void cancel_group(TimerGroup& group) noexcept;

  /// When to call advance() next; never too late. Too early only where more than `walk_max` timers
  /// share a slot of a higher level and its first one was cancelled or restarted: a call then, at
  /// most one a level, spreads them out.
  std::optional<Duration> next_deadline() const noexcept {
    if (!next_known_) find_next();
    return next_;
  }
  /// False where a call of advance() and judge() would find nothing to do. Costs a few
  /// instructions, for it is asked after every batch.
  bool any_due(Duration now) const noexcept {
    return tick_at(now) != tick_ || (occupied_[0] >> tick_ % slots & 1) != 0 ||
           lists_[due].first != none || lists_[judged].first != none;
  }
  /// Calls `run` for what is due at `now`: with the callable, and its connection or null. What is
  /// armed meanwhile waits for the next call, also when it is due already. If `run` throws, the
  /// rest is run by the next call. Returns how many have run.
  std::size_t advance(Duration now, const Run& run);
  /// The same for the deadlines that judge: those that had passed at `looked`, all that arrived
  /// until then having been handled. One that was set in a stall counts from its end.
  std::size_t judge(Duration looked, const Stalls& stalls, const Run& run);

  /// Destroys all callables unrun, and from now on those that are armed.
  void clear() noexcept;
  /// Whose thread calls it.
  OwnerThread& owner() noexcept { return owner_; }
  /// Callables held, one that is just running included.
  std::size_t size() const noexcept { return nodes_.size(); }

 private:
  friend Timer;

  using Tick = std::uint64_t;   // milliseconds of the clock
  using Index = std::uint32_t;  // of a node
  static constexpr Index none = Slab<int>::none;

  // Level L sorts by the L-th 6-bit digit of the tick. A node stands on the level of the highest
  // digit in which its tick differs from tick_, so nodes of one tick are always in one list, in the
  // order in which they were armed.
  static constexpr int digit_bits = 6;
  static constexpr int levels = 8;  // Duration::max() has 44 bits in ticks
  static constexpr int slots = 1 << digit_bits;
  static constexpr int walk_max = 32;

  using Place = std::uint16_t;  // of a list: level * slots + digit, or
  static constexpr Place due = levels * slots;
  static constexpr Place judged = due + 1;  // due, and waiting for judge()
  static constexpr Place nowhere = due + 2;

  struct Node {
    Node(TimerCallback fn, Conn* conn, Duration every, bool is_judging) noexcept
        : judging(is_judging), period(every), owner(conn), callback(std::move(fn)) {}

    Duration deadline{};
    Index previous = none;
    Index next = none;
    Place place = nowhere;
    bool judging;                  // a deadline that judges a peer
    std::uint32_t generation = 0;  // of the Timers that name it
    Duration period;               // of one that judges: how long before the deadline it was set
    TimerGroup* group = nullptr;
    Index group_previous = none;
    Index group_next = none;
    Conn* owner;
    TimerCallback callback;
  };

  struct List {
    Index first = none;
    Index last = none;
  };

  static Tick tick_at(Duration now) noexcept {
    return static_cast<Tick>(std::chrono::floor<std::chrono::milliseconds>(now).count());
  }

  // What a Timer asks.
  void cancel(Index index, std::uint32_t generation) noexcept;
  void restart(Index index, std::uint32_t generation, Duration delay);
  bool active(Index index, std::uint32_t generation) const noexcept;
  bool named(Index index, std::uint32_t generation) const noexcept;

  Timer arm(Duration delay, TimerCallback fn, Duration period, bool judging, Conn* owner,
            TimerGroup* group);
  Duration deadline_after(Duration delay) const;
  void set_off(Index index, Duration deadline) noexcept;
  void retire(Index index) noexcept;
  void run_first(Place place, Duration now, const Run& run);

  void join(TimerGroup& group, Index index) noexcept;
  void leave_group(Index index) noexcept;

  Place place_of(Tick tick) const noexcept;
  Tick start_of(Place place) const noexcept;
  Place first_occupied() const noexcept;
  void append(Place place, Index index) noexcept;
  void unlink(Index index) noexcept;

  void collect_due(Tick tick) noexcept;
  void step_back(Tick tick) noexcept;
  void make_due(Place place) noexcept;
  List take(Place place) noexcept;
  void spread(Index first) noexcept;
  Index sorted(Index first) noexcept;
  bool is_sorted(Index first) const noexcept;
  Index merge(Index left, Index right) noexcept;

  void find_next() const noexcept;
  Tick earliest_in(Place place) const noexcept;

  OwnerThread owner_;
  Clock clock_;
  Slab<Node> nodes_;
  Tick tick_ = 0;  // what the last advance() was told
  std::array<List, judged + 1> lists_;
  std::array<std::uint64_t, levels>
      occupied_{};  // a bit for each list of a level that is not empty
  // For each list that is not empty: no node of it has an earlier tick; one has this one, unless
  // the bit in doubtful_ is set, or the list was found too long to look.
  mutable std::array<Tick, due> earliest_{};
  mutable std::array<std::uint64_t, levels> doubtful_{};
  mutable std::optional<Duration> next_;  // the next deadline, if next_known_: until a list changes
  mutable bool next_known_ = false;
  std::uint32_t last_generation_ = 0;
  Index running_ = none;
  bool cleared_ = false;
};

}}}  // namespace evio::v0::detail
