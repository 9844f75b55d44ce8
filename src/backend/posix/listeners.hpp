// The listening sockets of one driver, and accepting from them.
#pragma once

#include <vector>

#include "backend/driver.hpp"

namespace evio { inline namespace v0 { namespace detail {

class Listeners {
 public:
  Listeners() = default;
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;
  ~Listeners();

  // Takes the socket over; it accepts.
  void add(ListenerId listener, NativeSocket socket);
  void close(ListenerId listener);
  // -1 once it is closed.
  int fd(ListenerId listener) const noexcept {
    return listeners_[static_cast<std::size_t>(listener)].fd;
  }
  bool accepting(ListenerId listener) const noexcept {
    return listeners_[static_cast<std::size_t>(listener)].accepting;
  }
  void set_accepting(ListenerId listener, bool accepting) noexcept {
    listeners_[static_cast<std::size_t>(listener)].accepting = accepting;
  }

  enum class Outcome { drained, more, stopped };  // more: its share of the turn is used up
  // Delivers what waits. After each one the sink may have stopped or closed the listener: it looks
  // again. When accepting fails for want of something, it stops accepting and tells the sink.
  Outcome accept_some(ListenerId listener, Sink& sink);

 private:
  struct ListenerState {
    int fd = -1;
    bool accepting = false;
    bool unix_socket = false;
  };
  std::vector<ListenerState> listeners_;  // by the listener's name
};

}}}  // namespace evio::v0::detail
