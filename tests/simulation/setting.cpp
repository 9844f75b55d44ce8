#include "setting.hpp"

namespace evio::test {

using namespace sim;

namespace {

constexpr const char* names[] = {
    "connect",     "connect_local", "connect_udp",  "connect_framed", "connect_outgoing", "send",
    "end",         "close",         "reset",        "stop_reading",   "start_reading",    "wake",
    "handle_send", "handle_post",   "handle_close", "loop_post",      "for_each",         "wait"};

std::size_t a_size(Chance& chance) {
  switch (chance.below(8)) {
    case 0:
      return chance.upto(100'000);
    case 1:
    case 2:
      return chance.upto(10'000);
    default:
      return chance.upto(300);
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << names[static_cast<std::size_t>(step.kind)] << " peer " << step.peer << " number "
             << step.number;
}

Setting::Setting(std::uint64_t from) : seed(from) {
  Chance chance(seed ^ 0x5e771765);
  flawless = chance(0.4);
  if (chance(0.9)) faults = Faults::swarm(seed);
  if (flawless) {
    faults.reset = faults.half_close = faults.connect_failure = faults.accept_abort = 0;
    faults.stall = faults.clock_jump = faults.delay = 0;
    faults.datagram_lost = 0;
  }
  loops = static_cast<int>(chance(0.5) ? 1 : chance.upto(4));
  balance = static_cast<LoadBalance>(chance.below(4));
  const std::size_t highs[] = {0, 100, 4000, 40'000, 1 << 20};
  limits.output_high = highs[chance.below(5)];
  limits.output_low = limits.output_high / chance.upto(4);
  const std::size_t beyond = chance(0.5) ? chance.upto(20'000) : 200'000 + chance.below(1 << 20);
  limits.output_max = flawless ? 64 << 20 : limits.output_high + beyond;
  limits.input_max = flawless ? 64 << 20 : (chance(0.3) ? chance.upto(20'000) : 1 << 20);
  if (chance(0.3)) limits.memory_max = chance.upto(20'000);
  if (chance(0.3)) limits.connections_max = chance.upto(4);
  limits.drain_timeout = std::chrono::milliseconds(flawless ? 60'000 : chance.upto(3000));
  limits.linger_timeout = std::chrono::milliseconds(flawless ? 60'000 : chance.upto(1000));
  limits.backlog = static_cast<int>(flawless ? 4096 : chance.upto(8));
  if (!flawless && chance(0.3)) options.idle_timeout = std::chrono::milliseconds(chance.upto(2000));
  if (chance(0.3)) options.read_when_congested = true;
  if (chance(0.4)) options.receive_buffer = chance.upto(3000) + (flawless ? 500 : 0);
  if (chance(0.4)) options.send_buffer = chance.upto(3000) + (flawless ? 500 : 0);
  with_ended = flawless || chance(0.8);
  with_detached = chance(0.8);
  with_failed = chance(0.9);
  with_pre_write = chance(0.3);
  with_tick = chance(0.2);
  reuseport = chance(0.15);
  if (chance(0.15)) limits.accepts_per_second = chance.upto(5);
  if (!flawless && chance(0.2))
    limits.first_bytes_timeout = std::chrono::milliseconds(chance.upto(2000));
  if (!flawless && chance(0.2))
    limits.slow_reader_timeout = std::chrono::milliseconds(chance.upto(2000));
  if (!flawless && chance(0.2)) limits.connections_per_peer_max = chance.upto(2);
  if (chance(0.2)) drain = std::chrono::milliseconds(chance.upto(3000));
  framing = a_framing(chance);
}

std::vector<Step> make_steps(std::uint64_t seed) {
  const Setting setting(seed);
  Chance chance(seed ^ 0x57e95);
  std::vector<Step> steps;
  const auto peers = static_cast<std::uint32_t>(chance.upto(8));
  for (std::uint32_t i = 0; i < peers; ++i) {
    constexpr Kind kinds[] = {Kind::connect,        Kind::connect,         Kind::connect,
                              Kind::connect,        Kind::connect_local,   Kind::connect_udp,
                              Kind::connect_framed, Kind::connect_outgoing};
    Kind kind = kinds[chance.below(8)];
    // An incomplete message may hold the memory that its rest needs.
    if (kind == Kind::connect_framed && setting.flawless && setting.limits.memory_max > 0)
      kind = Kind::connect;
    steps.push_back({.kind = kind, .peer = i});
    if (chance(0.3))
      steps.push_back(
          {.kind = Kind::wait, .number = static_cast<std::uint32_t>(chance.upto(2000))});
  }
  const std::uint64_t actions = chance.upto(40);
  for (std::uint64_t i = 0; i < actions; ++i) {
    constexpr Kind kinds[] = {
        Kind::send,          Kind::send,      Kind::send,        Kind::send,
        Kind::send,          Kind::send,      Kind::wait,        Kind::wait,
        Kind::wait,          Kind::wait,      Kind::end,         Kind::stop_reading,
        Kind::start_reading, Kind::wake,      Kind::handle_send, Kind::handle_send,
        Kind::handle_post,   Kind::loop_post, Kind::for_each,    Kind::handle_close,
        Kind::close,         Kind::reset};
    const std::size_t harmless = sizeof kinds / sizeof kinds[0] - (setting.flawless ? 2 : 0);
    Step step{.kind = kinds[chance.below(harmless)],
              .peer = static_cast<std::uint32_t>(chance.below(peers))};
    if (step.kind == Kind::wait)
      step.number = static_cast<std::uint32_t>(chance.upto(chance(0.2) ? 2'000'000 : 3000));
    else
      step.number = static_cast<std::uint32_t>(a_size(chance));
    steps.push_back(step);
  }
  return steps;
}

}  // namespace evio::test
