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

  // Takes the socket over, and accepts from it.
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

  // drained: no connection waits. more: the share of this iteration is used up. stopped: it does
  // not accept any more.
  enum class Outcome { drained, more, stopped };
  // Accepts and delivers waiting connections. The sink may stop or close the listener, so this is
  // checked after each. If accepting fails for lack of a resource, it stops accepting and reports
  // that to the sink.
  Outcome accept_some(ListenerId listener, Sink& sink);

 private:
  struct ListenerState {
    int fd = -1;
    bool accepting = false;
    bool unix_socket = false;
  };
  std::vector<ListenerState> listeners_;  // by id
};

}}}  // namespace evio::v0::detail
