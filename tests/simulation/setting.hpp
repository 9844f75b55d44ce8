// The configuration of a random world and its steps, both derived from a seed.
#pragma once

#include <cstdint>
#include <evio/evio.hpp>
#include <evio/faults.hpp>
#include <optional>
#include <ostream>
#include <vector>

#include "backend/simulated/chance.hpp"
#include "framed.hpp"

namespace evio::test {

using namespace sim;

using namespace detail;

/// An action from outside the loops.
enum class Kind : std::uint8_t {
  connect,
  connect_local,
  connect_udp,
  connect_framed,
  connect_outgoing,
  send,
  end,
  close,
  reset,
  stop_reading,
  start_reading,
  wake,
  handle_send,
  handle_post,
  handle_close,
  loop_post,
  for_each,
  wait,
};

struct Step {
  Kind kind;
  std::uint32_t peer = 0;    // the number of its connect step
  std::uint32_t number = 0;  // bytes, or microseconds
};

std::ostream& operator<<(std::ostream& out, const Step& step);

struct Setting {
  explicit Setting(std::uint64_t seed);

  std::uint64_t seed;
  Faults faults{};
  int loops = 1;
  LoadBalance balance = LoadBalance::round_robin;
  Limits limits{};
  Options options{};
  bool with_ended = true, with_detached = true, with_failed = true, with_pre_write = false,
       with_tick = false;
  bool reuseport = false;
  std::optional<Duration> drain{};  // a drain before the end, with this deadline
  Framing framing;

  /// Whether no fault delays a loop.
  bool keeps_time() const noexcept {
    return faults.clock_jump == 0 && faults.loop_stall == 0 && faults.process_stop == 0 &&
           faults.slow_handler == 0;
  }
  /// Whether no fault delays a loop or the report of an event.
  bool punctual() const noexcept {
    return keeps_time() && faults.late_accept == 0 && faults.late_event == 0;
  }
  /// No connection breaks and none waits for ever: everything sent must arrive.
  bool flawless = false;
};

std::vector<Step> make_steps(std::uint64_t seed);

}  // namespace evio::test
