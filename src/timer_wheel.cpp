#include "timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <chrono>
#include <limits>
#include <utility>

#include "saturating.hpp"
#include "stalls.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

using std::chrono::milliseconds;

// The last whole millisecond. Later deadlines are reduced to this one, so that rounding up never
// overflows.
constexpr Duration latest = std::chrono::floor<milliseconds>(Duration::max());

Duration later(Duration time, Duration delay) noexcept {
  return std::min(saturating_sum(time, delay), latest);
}

std::uint64_t tick_after(Duration deadline) noexcept {
  return static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(deadline).count());
}

// The first time after `now` of the series deadline + n * period.
Duration next_of_period(Duration deadline, Duration period, Duration now) noexcept {
  if (now > deadline) deadline += (now - deadline) / period * period;
  return later(deadline, period);
}

}  // namespace

TimerWheel::TimerWheel(Clock clock) : clock_(std::move(clock)) {}

TimerWheel::~TimerWheel() { clear(); }

Timer TimerWheel::run_after(Duration delay, Callback<void()> fn, Duration period) {
  return arm(delay, std::move(fn), period, false, nullptr, nullptr);
}

Timer TimerWheel::run_after(Duration delay, Callback<void(Conn&)> fn, Conn& owner,
                            TimerGroup& group) {
  return arm(delay, std::move(fn), Duration(0), false, &owner, &group);
}

Timer TimerWheel::set_deadline(Duration delay, Callback<void()> fn) {
  return arm(delay, std::move(fn), delay, true, nullptr, nullptr);
}

Timer TimerWheel::set_deadline(Duration delay, Callback<void(Conn&)> fn, Conn& owner,
                               TimerGroup& group) {
  return arm(delay, std::move(fn), delay, true, &owner, &group);
}

Timer TimerWheel::arm(Duration delay, TimerCallback fn, Duration period, bool judging, Conn* owner,
                      TimerGroup* group) {
  if (cleared_) return {};
  const Duration deadline = deadline_after(delay);
  const Index index = nodes_.make(std::move(fn), owner, period, judging);
  Node& node = nodes_[index];
  node.generation = ++last_generation_;
  if (group) join(*group, index);
  set_off(index, deadline);
  return Timer(weak_from_this(), index, node.generation);
}

Duration TimerWheel::deadline_after(Duration delay) const {
  return later(clock_(), std::max(delay, Duration(0)));
}

void TimerWheel::set_off(Index index, Duration deadline) noexcept {
  nodes_[index].deadline = deadline;
  append(place_of(tick_after(deadline)), index);
}

bool TimerWheel::named(Index index, std::uint32_t generation) const noexcept {
  return nodes_.alive(index) && nodes_[index].generation == generation;
}

bool TimerWheel::active(Index index, std::uint32_t generation) const noexcept {
  return named(index, generation) && nodes_[index].place != nowhere;
}

void TimerWheel::cancel(Index index, std::uint32_t generation) noexcept {
  if (named(index, generation)) retire(index);
}

void TimerWheel::restart(Index index, std::uint32_t generation, Duration delay) {
  if (!named(index, generation)) return;
  const Duration deadline = deadline_after(delay);
  unlink(index);
  if (nodes_[index].judging) nodes_[index].period = delay;
  set_off(index, deadline);
}

void TimerWheel::cancel_group(TimerGroup& group) noexcept {
  while (group.first != none) retire(group.first);
}

void TimerWheel::clear() noexcept {
  cleared_ = true;
  for (Index index = nodes_.next(0); index != none; index = nodes_.next(index + 1)) retire(index);
}

// Removes a node. It is unlinked first, because its callable's destructor may call the wheel. A
// node that is running is destroyed by run_first later: its callable is still in use.
void TimerWheel::retire(Index index) noexcept {
  unlink(index);
  leave_group(index);
  if (index == running_)
    nodes_[index].generation = ++last_generation_;  // so that no Timer refers to it any more
  else
    nodes_.destroy(index);
}

std::size_t TimerWheel::advance(Duration now, const Run& run) {
  assert(running_ == none && now >= Duration(0));
  collect_due(tick_at(now));
  std::size_t count = 0;
  for (; lists_[due].first != none; ++count) run_first(due, now, run);
  return count;
}

std::size_t TimerWheel::judge(Duration looked, const Stalls& stalls, const Run& run) {
  assert(running_ == none);
  std::size_t count = 0;
  for (Index index = none;
       (index = lists_[judged].first) != none && nodes_[index].deadline <= looked;) {
    Node& node = nodes_[index];
    // A stall extends the deadline once: afterwards the period is 0.
    const Duration delay = std::exchange(node.period, Duration(0));
    const Duration deadline =
        delay > Duration(0) ? later(stalls.counted_from(node.deadline - delay), delay) : looked;
    if (deadline > looked) {
      unlink(index);
      set_off(index, deadline);
    } else {
      run_first(judged, looked, run);
      ++count;
    }
  }
  return count;
}

void TimerWheel::run_first(Place place, Duration now, const Run& run) {
  struct Running {  // a guard, since `run` may throw
    Running(TimerWheel& of, Index index) noexcept : wheel(of) { wheel.running_ = index; }
    ~Running() {
      const Index index = std::exchange(wheel.running_, none);
      if (wheel.nodes_[index].place == nowhere) wheel.retire(index);
    }
    TimerWheel& wheel;
  };
  const Index index = lists_[place].first;
  Node& node = nodes_[index];
  unlink(index);
  if (node.period > Duration(0)) set_off(index, next_of_period(node.deadline, node.period, now));
  const Running running(*this, index);
  run(node.callback, node.owner);
}

void TimerWheel::join(TimerGroup& group, Index index) noexcept {
  Node& node = nodes_[index];
  node.group = &group;
  node.group_next = group.first;
  if (group.first != none) nodes_[group.first].group_previous = index;
  group.first = index;
}

void TimerWheel::leave_group(Index index) noexcept {
  Node& node = nodes_[index];
  if (!node.group) return;
  (node.group_previous != none ? nodes_[node.group_previous].group_next : node.group->first) =
      node.group_next;
  if (node.group_next != none) nodes_[node.group_next].group_previous = node.group_previous;
  node.group = nullptr;
}

// A node whose tick has passed goes to the list of tick_, which is due at once.
TimerWheel::Place TimerWheel::place_of(Tick tick) const noexcept {
  tick = std::max(tick, tick_);
  const int level = (static_cast<int>(std::bit_width((tick ^ tick_) | 1)) - 1) / digit_bits;
  return static_cast<Place>(level * slots +
                            static_cast<int>((tick >> (level * digit_bits)) % slots));
}

// The first tick of a slot: the digits above its level are those of tick_, those below are zero.
TimerWheel::Tick TimerWheel::start_of(Place place) const noexcept {
  const int shift = place / slots * digit_bits;
  return ((tick_ >> shift) / slots * slots + place % slots) << shift;
}

void TimerWheel::append(Place place, Index index) noexcept {
  next_known_ = false;
  Node& node = nodes_[index];
  List& list = lists_[place];
  node.place = place;
  node.previous = list.last;
  node.next = none;
  (list.last != none ? nodes_[list.last].next : list.first) = index;
  const bool alone = std::exchange(list.last, index) == none;
  if (place >= due) return;
  occupied_[place / slots] |= std::uint64_t{1} << place % slots;
  const Tick tick = tick_after(node.deadline);
  if (!alone && earliest_[place] < tick) return;
  earliest_[place] = tick;
  doubtful_[place / slots] &= ~(std::uint64_t{1} << place % slots);
}

void TimerWheel::unlink(Index index) noexcept {
  Node& node = nodes_[index];
  const Place place = std::exchange(node.place, nowhere);
  if (place == nowhere) return;
  next_known_ = false;
  List& list = lists_[place];
  (node.previous != none ? nodes_[node.previous].next : list.first) = node.next;
  (node.next != none ? nodes_[node.next].previous : list.last) = node.previous;
  if (place >= due) return;
  const std::uint64_t bit = std::uint64_t{1} << place % slots;
  if (list.first == none)
    occupied_[place / slots] &= ~bit;
  else if (tick_after(node.deadline) == earliest_[place])
    doubtful_[place / slots] |= bit;
}

// Goes from one slot in use to the next. A slot of the lowest level is due; the nodes of any other
// slot are moved to lower levels once its first tick is reached. So nodes become due tick by tick,
// and only those of the same tick must be sorted.
void TimerWheel::collect_due(Tick tick) noexcept {
  if (tick < tick_) step_back(tick);
  for (Place place = first_occupied(); place != nowhere && start_of(place) <= tick;
       place = first_occupied()) {
    tick_ = start_of(place);
    if (place < slots)
      make_due(place);
    else
      spread(take(place).first);
  }
  tick_ = tick;
}

// The clock went back. This should not happen, so it may be slow: it inserts all nodes again. Then
// no timer runs early or late.
void TimerWheel::step_back(Tick tick) noexcept {
  List all;
  for (Place place = 0; place < due; ++place) {
    const List list = take(place);
    if (list.first == none) continue;
    (all.last != none ? nodes_[all.last].next : all.first) = list.first;
    all.last = list.last;
  }
  tick_ = tick;
  spread(all.first);
}

void TimerWheel::make_due(Place place) noexcept {
  for (Index index = sorted(take(place).first); index != none;) {
    const Index next = nodes_[index].next;
    append(nodes_[index].judging ? judged : due, index);
    index = next;
  }
}

TimerWheel::List TimerWheel::take(Place place) noexcept {
  next_known_ = false;
  occupied_[place / slots] &= ~(std::uint64_t{1} << place % slots);
  return std::exchange(lists_[place], List{});
}

void TimerWheel::spread(Index first) noexcept {
  for (Index index = first; index != none;) {
    const Index next = nodes_[index].next;
    append(place_of(tick_after(nodes_[index].deadline)), index);
    index = next;
  }
}

// A stable merge sort of a list by deadline, which needs no memory. The list is nearly always
// sorted already.
TimerWheel::Index TimerWheel::sorted(Index first) noexcept {
  if (is_sorted(first)) return first;
  // runs[i], if any, is a sorted list of 2^i nodes; longer runs hold earlier nodes.
  std::array<Index, 32> runs;
  runs.fill(none);
  for (Index index = first; index != none;) {
    const Index next = std::exchange(nodes_[index].next, none);
    std::size_t i = 0;
    for (; runs[i] != none; ++i) index = merge(std::exchange(runs[i], none), index);
    runs[i] = index;
    index = next;
  }
  Index all = none;
  for (const Index run : runs) all = merge(run, all);
  return all;
}

bool TimerWheel::is_sorted(Index first) const noexcept {
  Duration last{};
  for (Index index = first; index != none; index = nodes_[index].next)
    if (nodes_[index].deadline < std::exchange(last, nodes_[index].deadline)) return false;
  return true;
}

TimerWheel::Index TimerWheel::merge(Index left, Index right) noexcept {
  Index merged = none;
  Index* end = &merged;
  while (left != none && right != none) {
    Index& from = nodes_[right].deadline < nodes_[left].deadline ? right : left;
    *end = from;
    end = &nodes_[from].next;
    from = *end;
  }
  *end = left != none ? left : right;
  return merged;
}

void TimerWheel::find_next() const noexcept {
  next_known_ = true;
  if (lists_[due].first != none || lists_[judged].first != none) {
    next_ = milliseconds(tick_);
    return;
  }
  const Place place = first_occupied();
  next_ =
      place == nowhere ? std::nullopt : std::optional<Duration>(milliseconds(earliest_in(place)));
}

// All nodes on a lower level are due before those on a higher one, and within a level the slots are
// in the order of time.
TimerWheel::Place TimerWheel::first_occupied() const noexcept {
  for (std::size_t level = 0; level < levels; ++level)
    if (occupied_[level] != 0)
      return static_cast<Place>(level * slots +
                                static_cast<std::size_t>(std::countr_zero(occupied_[level])));
  return nowhere;
}

// Searches a doubtful list for its earliest tick, if it is short. Otherwise the old bound stays: it
// is at most too early.
TimerWheel::Tick TimerWheel::earliest_in(Place place) const noexcept {
  const std::uint64_t bit = std::uint64_t{1} << place % slots;
  if ((doubtful_[place / slots] & bit) == 0) return earliest_[place];
  doubtful_[place / slots] &= ~bit;
  Tick earliest = std::numeric_limits<Tick>::max();
  Index index = lists_[place].first;
  for (int walked = 0; index != none && walked < walk_max; ++walked, index = nodes_[index].next)
    earliest = std::min(earliest, tick_after(nodes_[index].deadline));
  if (index == none) earliest_[place] = earliest;
  return earliest_[place];
}

}}}  // namespace evio::v0::detail
