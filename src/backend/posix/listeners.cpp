#include "backend/posix/listeners.hpp"

#include <unistd.h>

#include <utility>

#include "backend/posix/io.hpp"
#include "backend/posix/process.hpp"

namespace evio::inline v1 {

namespace {

constexpr int share_of_a_turn = 64;

}  // namespace

Listeners::~Listeners() {
  for (const Door& door : doors_)
    if (door.fd >= 0) ::close(door.fd);
}

void Listeners::add(Listener listener, NativeSocket socket) {
  const auto index = static_cast<std::size_t>(listener);
  if (index >= doors_.size()) doors_.resize(index + 1);
  const int fd = static_cast<int>(socket.value);
  doors_[index] = {.fd = fd, .accepting = true, .unix_socket = is_unix(fd)};
}

void Listeners::close(Listener listener) { ::close(std::exchange(doors_[static_cast<std::size_t>(listener)].fd, -1)); }

Listeners::Outcome Listeners::accept_some(Listener listener, Sink& sink) {
  for (int i = 0; i < share_of_a_turn; ++i) {
    const Door door = doors_[static_cast<std::size_t>(listener)];
    if (door.fd < 0 || !door.accepting) return Outcome::stopped;
    const std::uint32_t made = forks();
    const Accepted accepted = accept(door.fd, door.unix_socket);
    if (accepted.fd >= 0) {
      sink.on_accepted(listener, {accepted.fd, made}, accepted.peer);
      continue;
    }
    if (!accept_must_wait(accepted.error)) return Outcome::drained;
    set_accepting(listener, false);
    sink.on_accept_stopped(listener, std::error_code(accepted.error, std::generic_category()));
    return Outcome::stopped;
  }
  return Outcome::more;
}

}  // namespace evio::inline v1
