// Private. How much is read while output waits above Limits::output_high.
#pragma once

#include <algorithm>
#include <cstddef>

namespace evio::inline v1::websocket {

/// A side that stops reading while it is congested waits for ever for a peer that is congested, too. A side that reads
/// without bound lets its peer ask for more and more and take nothing of it. So reading goes on until the output has
/// grown by a few times the size at which congestion began, which a program that heeds `send` never lets happen.
class Congestion {
 public:
  /// Messages are answered in small pieces: an answer that made the whole congestion stops reading at once.
  static constexpr std::size_t least_room = 64 << 10;

  bool active() const noexcept { return room_ > 0; }
  /// A write was refused. `before`: the output that waited before it.
  void begin(std::size_t before) noexcept {
    room_ = std::max(4 * before, least_room);
    limit_ = 0;
  }
  /// What waits beyond `waiting` is growth. Unless it is called, that is what waits when lets_read is first called.
  void count_from(std::size_t waiting) noexcept {
    limit_ = waiting + room_;
    most_ = waiting + 4 * room_;
  }
  bool lets_read(std::size_t waiting) noexcept {
    if (limit_ == 0) count_from(waiting);
    return waiting <= limit_;
  }
  /// The peer takes nothing, perhaps because it waits for this side to read: a little more is read.
  void relax(std::size_t waiting) noexcept { limit_ = std::clamp(waiting + room_ / 8, limit_, most_); }
  void end() noexcept { room_ = 0; }

 private:
  std::size_t room_ = 0;   // bytes that the output may grow by; 0: not congested
  std::size_t limit_ = 0;  // output beyond which reading stops; 0: not counted yet
  std::size_t most_ = 0;   // what relax never exceeds
};

}  // namespace evio::inline v1::websocket
