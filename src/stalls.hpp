// The stalls of a loop: times in which it was busy or stopped for so long that deadlines must not
// count them against a peer.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <evio/duration.hpp>

namespace evio { inline namespace v0 { namespace detail {

/// The loop reads the clock once a batch, so an event is stamped with the beginning of its batch.
/// That is exact enough unless the batch took long. Then a deadline must count from the end of the
/// batch: a reply, for example, may have been sent only then.
///
/// At most 64 stalls are stored. When there are more, two neighbours are merged, including the time
/// between them: those whose union is shortest in proportion to its age. So a deadline is late by a
/// small part of its length only.
class Stalls {
 public:
  /// Shorter ones are ignored. It is more than the resolution of a Stamp.
  static constexpr Duration shortest = std::chrono::milliseconds(2);

  /// Adds a stall, which must be later than all before it.
  void add(Duration begin, Duration end) noexcept {
    if (end - begin >= shortest) add_stall(begin, end);
  }
  /// The time from which a deadline counts for an event stamped with `time`: the end of the stall
  /// that contains `time`, if any.
  Duration counted_from(Duration time) const noexcept;
  /// The sum of all stalls since `time`.
  Duration since(Duration time) const noexcept;

 private:
  struct Stall {
    Duration begin, end;
  };

  void add_stall(Duration begin, Duration end) noexcept;
  void merge_two(Duration now) noexcept;

  std::array<Stall, 64> all_;  // in the order of time
  std::size_t size_ = 0;
};

}}}  // namespace evio::v0::detail
