#include "backend/simulated/simulated_connects.hpp"

#include <utility>

namespace evio { inline namespace v0 { namespace detail {

SimulatedConnects::~SimulatedConnects() {
  world_.leave(member_);
  for (const Attempt& attempt : attempts_)
    if (attempt.used) close(attempt);
}

void SimulatedConnects::close(const Attempt& attempt) {
  if (attempt.socket) network_.close(*attempt.socket, CloseMode::abort);
  if (attempt.port) network_.close(*attempt.port);
}

void SimulatedConnects::schedule(ConnectId id, Duration delay) {
  const auto index = static_cast<std::uint32_t>(id);
  world_.schedule(member_, world_.now() + delay,
                  std::uint64_t{attempts_[index].generation} << 32 | index);
}

bool SimulatedConnects::connect(ConnectId id, const Address& to, const Options& options) {
  const auto index = static_cast<std::uint32_t>(id);
  if (index >= attempts_.size()) attempts_.resize(index + 1);
  Attempt& attempt = attempts_[index];
  if (attempt.used) return false;
  attempt = {.to = to,
             .options = options,
             .generation = attempt.generation + 1,
             .used = true,
             .socket = {},
             .port = {}};
  Duration time = std::chrono::microseconds(world_.chance.upto(300));
  if (world_.happens(Fault::delay))
    time += std::chrono::microseconds(world_.chance.upto(1'000'000));
  schedule(id, time);
  return true;
}

bool SimulatedConnects::cancel(ConnectId id) {
  const auto index = static_cast<std::uint32_t>(id);
  if (index >= attempts_.size() || !attempts_[index].used) return false;
  attempts_[index].used = false;
  close(attempts_[index]);
  return true;
}

// An attempt has reached the peer. If the backlog is full it is repeated with doubled delays, as
// the kernel repeats a SYN.
void SimulatedConnects::due(std::uint64_t what) {
  constexpr int tries_max = 7;
  const auto id = static_cast<ConnectId>(static_cast<std::uint32_t>(what));
  Attempt& attempt = attempts_[static_cast<std::uint32_t>(id)];
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
  if (busy && ++attempt.tries < tries_max)
    return schedule(id, std::chrono::seconds(1 << attempt.tries));
  if (attempt.socket) network_.set_buffers(*attempt.socket, attempt.options);
  attempt.error = busy ? std::errc::timed_out : std::errc::connection_refused;
  over_.push_back({id, attempt.generation});
}

void SimulatedConnects::make_port(Attempt& attempt) {
  attempt.port = network_.bind_port(
      Address::parse(attempt.to.is_ip4() ? "udp://127.0.0.1:0" : "udp://[::1]:0"), false);
  network_.connect(*attempt.port, attempt.to);
}

// The sink may cancel other attempts or begin new ones, so each entry is checked again.
bool SimulatedConnects::deliver(Sink& sink) {
  bool told = false;
  telling_.swap(over_);
  for (const Over& over : telling_) {
    Attempt& attempt = attempts_[static_cast<std::uint32_t>(over.id)];
    if (!attempt.used || attempt.generation != over.generation) continue;
    attempt.used = false;
    told = true;
    if (attempt.socket)
      sink.on_connected(over.id, {static_cast<std::intptr_t>(*attempt.socket)});
    else if (attempt.port)
      sink.on_connected(over.id, {static_cast<std::intptr_t>(*attempt.port)});
    else
      sink.on_connect_failed(over.id, std::make_error_code(attempt.error));
  }
  telling_.clear();
  return told;
}

}}}  // namespace evio::v0::detail
