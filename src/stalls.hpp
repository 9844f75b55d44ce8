// When a loop was busy for so long, or stopped, that it did not hear of its peers
// meanwhile.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <evio/duration.hpp>

namespace evio { inline namespace v0 { namespace detail {

/// The clock is read once a batch, so what happened in a batch is stamped with its begin. That is
/// exact enough unless the batch took long: then a deadline must count from its end, when the peer
/// could have heard of it at the latest.
///
/// Memory is bounded: where there are too many stalls, two neighbours become one, which includes
/// the time between them. It is those whose union is shortest for its age, so that a deadline is
/// late by a small share of itself at most.
class Stalls {
 public:
  static constexpr Duration shortest =
      std::chrono::milliseconds(2);  ///< more than the resolution of a Stamp

  /// Later than all before it. One that is shorter than `shortest` is none.
  void add(Duration begin, Duration end) noexcept {
    if (end - begin >= shortest) add_stall(begin, end);
  }
  /// From when a deadline counts for something stamped with `time`.
  Duration counted_from(Duration time) const noexcept;
  /// How much of the time since then they took.
  Duration since(Duration time) const noexcept;

 private:
  struct Stall {
    Duration begin, end;
  };

  void add_stall(Duration begin, Duration end) noexcept;
  void merge_two(Duration now) noexcept;

  std::array<Stall, 64> all_;  // in their order
  std::size_t size_ = 0;
};

}}}  // namespace evio::v0::detail
