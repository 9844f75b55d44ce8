// Private. The listening sockets of one driver, and accepting from them.
#pragma once

#include <vector>

#include "backend/driver.hpp"

namespace evio::inline v1 {

class Listeners {
 public:
  Listeners() = default;
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;
  ~Listeners();

  // Takes the socket over; it accepts.
  void add(Listener listener, NativeSocket socket);
  void close(Listener listener);
  // -1 once it is closed.
  int fd(Listener listener) const noexcept { return doors_[static_cast<std::size_t>(listener)].fd; }
  bool accepting(Listener listener) const noexcept { return doors_[static_cast<std::size_t>(listener)].accepting; }
  void set_accepting(Listener listener, bool accepting) noexcept {
    doors_[static_cast<std::size_t>(listener)].accepting = accepting;
  }

  enum class Outcome { drained, more, stopped };  // more: its share of the turn is used up
  // Delivers what waits. After each one the sink may have stopped or closed the listener: it looks again. When
  // accepting fails for want of something, it stops accepting and tells the sink.
  Outcome accept_some(Listener listener, Sink& sink);

 private:
  struct Door {
    int fd = -1;
    bool accepting = false;
    bool unix_socket = false;
  };
  std::vector<Door> doors_;  // by the listener's name
};

}  // namespace evio::inline v1
