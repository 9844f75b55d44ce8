// The listening sockets of one loop: when they accept, and which loop gets each connection.
#pragma once

#include <cstdint>
#include <evio/address.hpp>
#include <evio/callback.hpp>
#include <evio/timer.hpp>
#include <string_view>
#include <system_error>
#include <vector>

#include "backend/driver.hpp"

namespace evio { inline namespace v0 { namespace detail {

class LoopCore;

// Accepting pauses for four independent reasons: the service has connections_max connections, it
// has accepted accepts_per_second, descriptors or kernel memory ran out, or the server holds more
// than memory_max.
class Acceptor {
 public:
  explicit Acceptor(LoopCore& loop) noexcept : loop_(loop) {}

  void listen(int address_index, NativeSocket socket);
  // The loop has got all its listeners. Begins the drain if one was requested before.
  void all_listen();
  void accepted(ListenerId listener, NativeSocket socket, const Address& peer);
  void stopped(ListenerId listener, std::error_code error);
  // A service has become full, or is not full any more.
  void reevaluate();
  void set_pressure(bool pressure);
  // Accepts the connections that the kernel has completed by now, then closes the listeners and
  // calls `closed`. Listeners that were passed on are closed at once: the connections that wait
  // there are for the successor.
  void drain(Callback<void()> closed);
  void close();

 private:
  struct ListenerState {
    ListenerId listener{};
    bool accepting = true;  // the last argument of Driver::set_accepting
    // Reasons to pause.
    bool full = false;
    bool out_of_resources = false;
    bool throttled = false;
    std::size_t accepted = 0;  // in the current round
    Timer round{};
  };
  // At most `accepts` connections in a round of length `in`.
  struct Rate {
    std::size_t accepts = 0;  // 0: no limit
    Duration in{};
  };

  ListenerState& listener_state(ListenerId listener) noexcept;
  void close(ListenerState& listener_state);
  void begin_drain();
  void await_pending_connections();
  void update(ListenerState& listener_state);
  void retry_after_shortage();
  void count_accept(ListenerState& listener_state);
  void begin_round(ListenerState& listener_state, const Rate& most);
  void round_ended(ListenerState& listener_state);
  ListenerState& rate_owner(const ListenerState& listener_state) noexcept;
  std::size_t shares(const ListenerState& listener_state) const noexcept;
  Rate rate(const ListenerState& listener_state) const noexcept;
  int choose(const Address& peer);
  bool hand_over(LoopCore& to, NativeSocket socket, const Address& peer, int address_index);
  void refuse(int address_index, const Address& peer, std::errc why,
              std::string_view limit) noexcept;

  LoopCore& loop_;
  std::vector<ListenerState> listeners_;
  // After a lack of resources: the delay doubles with each failure, and is reset by a success.
  static constexpr Duration first_retry = std::chrono::milliseconds(1);
  Timer retry_;
  Duration retry_delay_ = first_retry;
  bool pressure_ = false;
  std::size_t accepted_count_ = 0;      // since the loop began
  std::size_t accepted_count_max_ = 0;  // a drain accepts no more than up to this count
  Callback<void()> drained_;
};

}}}  // namespace evio::v0::detail
