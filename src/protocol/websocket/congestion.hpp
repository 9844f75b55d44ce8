// How much is read while output waits above Limits::output_high.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <evio/duration.hpp>

namespace evio { inline namespace v0 { namespace websocket {

/// A side that stops reading while it is congested waits for ever for a peer that is congested,
/// too. A side that reads without bound lets its peer ask for more and more and take nothing of it.
/// So reading goes on until the output has grown so much that it is no longer likely that the peer
/// only waits for its own output to leave: the kernels between the two keep some megabytes of what
/// each has sent.
class Congestion {
 public:
  bool active() const noexcept { return active_; }
  void begin(std::size_t output_high) noexcept {
    active_ = true;
    counted_ = false;
    room_ = std::max({room_, 8 * std::min(output_high, most_room / 8), least_room});
  }
  /// What waits beyond `waiting` is growth. Unless it is called, that is what waits when lets_read
  /// is first called.
  void count_from(std::size_t waiting) noexcept {
    counted_ = true;
    from_ = waiting;
  }
  bool lets_read(std::size_t waiting) noexcept {
    if (!counted_) count_from(waiting);
    return waiting <= from_ + room_;
  }
  /// The peer takes nothing, perhaps because it waits for this side to read more. The connection
  /// remembers it.
  void stalled() noexcept {
    room_ = std::min(2 * room_, most_room);
    stall_time_ = std::chrono::seconds(1);
  }
  /// How long the peer takes nothing until that counts as a stall.
  Duration stall_time() const noexcept { return stall_time_; }
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
