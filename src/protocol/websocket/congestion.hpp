// Decides how much input is read while the output exceeds Limits::output_high.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <evio/duration.hpp>

namespace evio { inline namespace v0 { namespace websocket {

/// If both peers stop reading while their output is congested, each waits for the other forever. If
/// a side reads without a bound, its peer can request more and more output and receive none of it.
/// So reading continues until the output has grown by a bound that makes the first case unlikely:
/// the kernels between the two hold some megabytes of what each side has sent.
class Congestion {
 public:
  /// Whether the output is congested.
  bool active() const noexcept { return active_; }
  /// The output has exceeded output_high.
  void begin(std::size_t output_high) noexcept {
    active_ = true;
    counted_ = false;
    room_ = std::max({room_, 8 * std::min(output_high, most_room / 8), least_room});
  }
  /// Counts the growth of the output from this size on. If it is not called, the first call of
  /// lets_read sets the size.
  void count_from(std::size_t waiting) noexcept {
    counted_ = true;
    from_ = waiting;
  }
  /// Whether input may be read while so much output waits.
  bool lets_read(std::size_t waiting) noexcept {
    if (!counted_) count_from(waiting);
    return waiting <= from_ + room_;
  }
  /// The peer receives nothing, perhaps because it waits for this side to read. Doubles the bound
  /// and shortens the stall time, for the rest of the connection: the peer is likely to do so
  /// again.
  void stalled() noexcept {
    room_ = std::min(2 * room_, most_room);
    stall_time_ = std::chrono::seconds(1);
  }
  /// How long the peer must receive nothing until that counts as a stall.
  Duration stall_time() const noexcept { return stall_time_; }
  /// The output fell below output_low.
  void end() noexcept { active_ = false; }

 private:
  static constexpr std::size_t least_room = 1 << 20;
  static constexpr std::size_t most_room = 16 << 20;

  Duration stall_time_ = std::chrono::seconds(10);
  std::size_t room_ = 0;  // bytes that the output may grow by
  std::size_t from_ = 0;  // the output from which growth is counted
  bool counted_ = false;  // from_ is known
  bool active_ = false;
};

}}}  // namespace evio::v0::websocket
