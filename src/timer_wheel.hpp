// The timers of one loop: a hierarchical timer wheel with ticks of 1 ms.
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

/// The timers of one connection. TimerWheel::cancel_group must be called before it is destroyed,
/// and it must not move while it has any timers.
struct TimerGroup {
  std::uint32_t first = Slab<int>::none;
};

/// Runs callables at their time. Arming, cancelling and restarting are O(1), however many timers
/// there are, and a timer costs nothing until its time comes. No timer runs early, measured by the
/// times passed to advance(). Timers run in the order of their deadlines; those with equal
/// deadlines in the order in which they were armed.
///
/// A deadline that judges a peer (set_deadline) closes a connection if the peer has done nothing.
/// It must not run while the peer's bytes are still unread. Therefore advance() only finds it due,
/// and judge() runs it later.
///
/// It must be owned by a shared_ptr, so that a Timer may outlive it. Callables and their
/// destructors may call any of its functions except advance() and judge(), and those of its Timers.
/// The times passed to advance() may go back. One thread.
class TimerWheel : public std::enable_shared_from_this<TimerWheel> {
 public:
  /// Monotonic and not negative. Called when a timer is armed.
  using Clock = Callback<Duration()>;
  using TimerCallback = std::variant<Callback<void()>, Callback<void(Conn&)>>;
  using Run = Callback<void(TimerCallback&, Conn*)>;

  explicit TimerWheel(Clock clock);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Arms fn. A negative delay counts as zero. With a period, fn runs again every `period` after
  /// its first deadline, however late it ran; runs that were missed are skipped.
  Timer run_after(Duration delay, Callback<void()> fn, Duration period = {});
  /// Arms fn for a connection. The group must be cancelled before the connection is destroyed.
  Timer run_after(Duration delay, Callback<void(Conn&)> fn, Conn& owner, TimerGroup& group);
  /// Arms a deadline that judges a peer: judge() runs it.
  Timer set_deadline(Duration delay, Callback<void()> fn);
  Timer set_deadline(Duration delay, Callback<void(Conn&)> fn, Conn& owner, TimerGroup& group);
  /// Cancels every timer of the group.
  void cancel_group(TimerGroup& group) noexcept;

  /// When advance() must be called next. It is never too late. It is too early only if more than
  /// `walk_max` timers share a slot of a higher level and the earliest of them was cancelled or
  /// restarted. advance() then moves them to lower levels, so this happens at most once a level.
  std::optional<Duration> next_deadline() const noexcept {
    if (!next_known_) find_next();
    return next_;
  }
  /// False if advance() and judge() would find nothing to do. It takes a few instructions only,
  /// since the loop calls it after every batch.
  bool any_due(Duration now) const noexcept {
    return tick_at(now) != tick_ || (occupied_[0] >> tick_ % slots & 1) != 0 ||
           lists_[due].first != none || lists_[judged].first != none;
  }
  /// Calls `run` for each timer that is due at `now`, with its callable, and its connection or
  /// null. Timers armed meanwhile wait for the next call, even if they are due already: otherwise a
  /// timer that arms another one could occupy the loop. If `run` throws, the next call runs the
  /// rest. Returns how many were run.
  std::size_t advance(Duration now, const Run& run);
  /// As advance(), for deadlines that judge a peer: runs those that had passed at `looked`. All
  /// events that had arrived by that time must have been handled. A deadline that was set during a
  /// stall counts from the end of the stall.
  std::size_t judge(Duration looked, const Stalls& stalls, const Run& run);

  /// Destroys all callables without running them. From now on arming does nothing.
  void clear() noexcept;
  /// The thread that may call it.
  OwnerThread& owner() noexcept { return owner_; }
  /// The number of callables, including one that is running.
  std::size_t size() const noexcept { return nodes_.size(); }

 private:
  friend Timer;

  using Tick = std::uint64_t;   // milliseconds of the clock
  using Index = std::uint32_t;  // of a node
  static constexpr Index none = Slab<int>::none;

  // Level L has a list for each value of the L-th 6-bit digit of the tick. A node is on the level
  // of the highest digit in which its tick differs from tick_. So all nodes of one tick are always
  // in the same list, in the order in which they were armed.
  static constexpr int digit_bits = 6;
  static constexpr int levels = 8;  // 48 bits; Duration::max() in ticks has 44
  static constexpr int slots = 1 << digit_bits;
  static constexpr int walk_max = 32;

  // The index of a list: level * slots + digit, or one of the following.
  using Place = std::uint16_t;
  static constexpr Place due = levels * slots;
  static constexpr Place judged = due + 1;  // due, and waits for judge()
  static constexpr Place nowhere = due + 2;

  struct Node {
    Node(TimerCallback fn, Conn* conn, Duration every, bool is_judging) noexcept
        : judging(is_judging), period(every), owner(conn), callback(std::move(fn)) {}

    Duration deadline{};
    Index previous = none;
    Index next = none;
    Place place = nowhere;
    bool judging;                  // a deadline that judges a peer
    std::uint32_t generation = 0;  // a Timer with another generation refers to an earlier node
    Duration period;               // of one that judges: its delay
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

  // The functions of Timer. A generation that does not match means that the node belongs to another
  // timer by now; then they do nothing.
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
  Tick tick_ = 0;  // the tick of the last advance()
  std::array<List, judged + 1> lists_;
  // For each level, a bit for each list that is not empty.
  std::array<std::uint64_t, levels> occupied_{};
  // A lower bound of the ticks in each list that is not empty. It is exact unless the list's bit in
  // doubtful_ is set, or the list was too long to be searched.
  mutable std::array<Tick, due> earliest_{};
  mutable std::array<std::uint64_t, levels> doubtful_{};
  mutable std::optional<Duration> next_;  // cached result of next_deadline(), if next_known_
  mutable bool next_known_ = false;
  std::uint32_t last_generation_ = 0;
  Index running_ = none;
  bool cleared_ = false;
};

}}}  // namespace evio::v0::detail
