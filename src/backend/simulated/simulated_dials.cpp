#include "backend/simulated/simulated_dials.hpp"

#include <utility>

namespace evio::inline v1 {

SimulatedDials::~SimulatedDials() {
  world_.leave(member_);
  for (const Attempt& attempt : attempts_)
    if (attempt.used) close(attempt);
}

void SimulatedDials::close(const Attempt& attempt) {
  if (attempt.socket) network_.close(*attempt.socket, CloseMode::abort);
  if (attempt.port) network_.close(*attempt.port);
}

void SimulatedDials::schedule(Dial dial, Duration delay) {
  const auto index = static_cast<std::uint32_t>(dial);
  world_.schedule(member_, world_.now() + delay, std::uint64_t{attempts_[index].generation} << 32 | index);
}

bool SimulatedDials::connect(Dial dial, const Address& to, const Options& options) {
  const auto index = static_cast<std::uint32_t>(dial);
  if (index >= attempts_.size()) attempts_.resize(index + 1);
  Attempt& attempt = attempts_[index];
  if (attempt.used) return false;
  attempt = {
      .to = to, .options = options, .generation = attempt.generation + 1, .used = true, .socket = {}, .port = {}};
  Duration time = std::chrono::microseconds(world_.chance.upto(300));
  if (world_.happens(Fault::delay)) time += std::chrono::microseconds(world_.chance.upto(1'000'000));
  schedule(dial, time);
  return true;
}

bool SimulatedDials::cancel(Dial dial) {
  const auto index = static_cast<std::uint32_t>(dial);
  if (index >= attempts_.size() || !attempts_[index].used) return false;
  attempts_[index].used = false;
  close(attempts_[index]);
  return true;
}

void SimulatedDials::due(std::uint64_t what) {
  constexpr int tries_max = 7;
  const auto dial = static_cast<Dial>(static_cast<std::uint32_t>(what));
  Attempt& attempt = attempts_[static_cast<std::uint32_t>(dial)];
  if (!attempt.used || attempt.generation != what >> 32) return;
  const Address source = attempt.options.source.value_or(Address::parse("tcp://127.0.0.1:0"));
  const std::uint16_t port = source.port() == 0 ? next_port_++ : source.port();
  const Address from = attempt.to.is_unix() ? Address::from_path("") : source.with_port(port);
  bool busy = false;
  const bool fails = world_.happens(Fault::connect_failure);
  if (!fails && attempt.to.is_udp())
    make_port(attempt);
  else if (!fails)
    attempt.socket = network_.connect(from, attempt.to, busy);
  if (busy && ++attempt.tries < tries_max) return schedule(dial, std::chrono::seconds(1 << attempt.tries));
  if (attempt.socket) network_.set_buffers(*attempt.socket, attempt.options);
  attempt.error = busy ? std::errc::timed_out : std::errc::connection_refused;
  over_.push_back({dial, attempt.generation});
}

void SimulatedDials::make_port(Attempt& attempt) {
  attempt.port = network_.bind_port(Address::parse(attempt.to.is_ip4() ? "udp://127.0.0.1:0" : "udp://[::1]:0"), false);
  network_.connect(*attempt.port, attempt.to);
}

bool SimulatedDials::deliver(Sink& sink) {
  bool told = false;
  telling_.swap(over_);
  for (const Over& over : telling_) {
    Attempt& attempt = attempts_[static_cast<std::uint32_t>(over.dial)];
    if (!attempt.used || attempt.generation != over.generation) continue;
    attempt.used = false;
    told = true;
    if (attempt.socket)
      sink.on_connected(over.dial, {static_cast<std::intptr_t>(*attempt.socket)});
    else if (attempt.port)
      sink.on_connected(over.dial, {static_cast<std::intptr_t>(*attempt.port)});
    else
      sink.on_connect_failed(over.dial, std::make_error_code(attempt.error));
  }
  telling_.clear();
  return told;
}

}  // namespace evio::inline v1
