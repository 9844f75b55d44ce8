#include "stalls.hpp"

#include <algorithm>
#include <span>

namespace evio { inline namespace v0 { namespace detail {

// A sleep that was too long and the batch that follows may overlap. Only the part after the last
// stall is added, so that no time is counted twice.
void Stalls::add_stall(Duration begin, Duration end) noexcept {
  if (size_ > 0) begin = std::max(begin, all_[size_ - 1].end);
  if (end - begin < shortest) return;
  if (size_ == all_.size()) merge_two(end);
  all_[size_++] = {begin, end};
}

// The time between the two stalls then counts as stalled, too. The pair is chosen so that this is
// smallest in proportion to its age, as the deadlines that it affects are at least that old.
void Stalls::merge_two(Duration now) noexcept {
  const auto share = [&](std::size_t i) {
    const auto length = static_cast<double>((all_[i + 1].end - all_[i].begin).count());
    return length / static_cast<double>((now - all_[i].begin).count());
  };
  std::size_t first = 0;
  for (std::size_t i = 1; i + 1 < size_; ++i)
    if (share(i) < share(first)) first = i;
  all_[first].end = all_[first + 1].end;
  std::copy(all_.begin() + static_cast<std::ptrdiff_t>(first) + 2, all_.end(),
            all_.begin() + static_cast<std::ptrdiff_t>(first) + 1);
  --size_;
}

// The stalls are in the order of time, so a binary search finds the only one that may contain
// `time`.
Duration Stalls::counted_from(Duration time) const noexcept {
  const auto all = std::span(all_).first(size_);
  const auto stall = std::upper_bound(all.begin(), all.end(), time,
                                      [](Duration at, const Stall& s) { return at < s.end; });
  return stall != all.end() && stall->begin <= time ? stall->end : time;
}

Duration Stalls::since(Duration time) const noexcept {
  Duration sum{};
  for (const Stall& stall : std::span(all_).first(size_))
    if (stall.end > time) sum += stall.end - std::max(stall.begin, time);
  return sum;
}

}}}  // namespace evio::v0::detail
