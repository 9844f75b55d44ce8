// The listening sockets of one loop: when they accept, and where what they accept goes.
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

// Accepting pauses for four reasons, each lifted on its own: the service is full, it accepts as
// many a second as it may, descriptors or kernel memory ran out, or the server holds more memory
// than it may.
class Acceptor {
 public:
  explicit Acceptor(LoopCore& loop) noexcept : loop_(loop) {}

  void listen(int address_index, NativeSocket socket);
  // The loop has got all its listeners: a drain that was asked for before begins.
  void all_listen();
  void accepted(ListenerId listener, NativeSocket socket, const Address& peer);
  void stopped(ListenerId listener, std::error_code error);
  // A service became full, or a connection of a full one closed.
  void reevaluate();
  void set_pressure(bool pressure);
  // Closes the listeners once all that had connected by now were let in, and then calls `closed`;
  // at once those that were handed on, at which others wait for the successor.
  void drain(Callback<void()> closed);
  void close();

 private:
  struct ListenerState {
    ListenerId listener{};
    bool accepting = true;
    bool full = false;
    bool out_of_resources = false;
    bool throttled = false;
    std::size_t accepted = 0;  // in the round that runs
    Timer round{};
  };
  struct Rate {
    std::size_t accepts = 0;  // 0: no bound
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
  static constexpr Duration first_retry = std::chrono::milliseconds(1);
  Timer retry_;
  Duration retry_delay_ = first_retry;
  bool pressure_ = false;
  std::size_t accepted_count_ = 0;      // ever
  std::size_t accepted_count_max_ = 0;  // while it drains
  Callback<void()> drained_;
};

}}}  // namespace evio::v0::detail
