// Listeners: accepting, with a bounded number of connections in each iteration.
#include "backend/posix/listeners.hpp"

#include <unistd.h>

#include <utility>

#include "backend/posix/io.hpp"
#include "backend/posix/process.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

constexpr int share_of_a_turn = 64;

}  // namespace

Listeners::~Listeners() {
  for (const ListenerState& listener_state : listeners_)
    if (listener_state.fd >= 0) ::close(listener_state.fd);
}

void Listeners::add(ListenerId listener, NativeSocket socket) {
  const auto index = static_cast<std::size_t>(listener);
  if (index >= listeners_.size()) listeners_.resize(index + 1);
  const int fd = static_cast<int>(socket.value);
  listeners_[index] = {.fd = fd, .accepting = true, .unix_socket = is_unix(fd)};
}

void Listeners::close(ListenerId listener) {
  ::close(std::exchange(listeners_[static_cast<std::size_t>(listener)].fd, -1));
}

Listeners::Outcome Listeners::accept_some(ListenerId listener, Sink& sink) {
  for (int i = 0; i < share_of_a_turn; ++i) {
    const ListenerState listener_state = listeners_[static_cast<std::size_t>(listener)];
    if (listener_state.fd < 0 || !listener_state.accepting) return Outcome::stopped;
    const std::uint32_t made = forks();
    const Accepted accepted = accept(listener_state.fd, listener_state.unix_socket);
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

}}}  // namespace evio::v0::detail
