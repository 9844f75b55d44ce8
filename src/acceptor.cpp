#include "acceptor.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "loop.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

// Passes an accepted connection to its loop. If that loop has ended, the socket is closed without
// calling any handler.
struct AcceptedTask final : Task {
  AcceptedTask(ServerCore& from, NativeSocket accepted, const Address& remote, int index)
      : server(from), socket(accepted), peer(remote), address_index(index) {}
  ~AcceptedTask() override {
    if (socket.value >= 0) server.platform().refuse(socket);
  }
  void run_on(LoopCore& loop) override {
    loop.adopt(std::exchange(socket, NativeSocket{}), peer, address_index);
  }

  ServerCore& server;
  NativeSocket socket;
  Address peer;
  int address_index;
};

constexpr Duration longest_retry = std::chrono::milliseconds(100);

}  // namespace

void Acceptor::listen(int address_index, NativeSocket socket) {
  const auto listener = static_cast<ListenerId>(address_index);
  loop_.driver().accept_from(listener, socket);
  listeners_.push_back({.listener = listener});
  update(listeners_.back());
}

Acceptor::ListenerState& Acceptor::listener_state(ListenerId listener) noexcept {
  return *std::find_if(
      listeners_.begin(), listeners_.end(),
      [&](const ListenerState& listener_state) { return listener_state.listener == listener; });
}

// The counters of the service, the peer and the balancer are incremented here, before the
// connection reaches its loop: otherwise several loops could exceed a limit at the same time.
void Acceptor::accepted(ListenerId listener, NativeSocket socket, const Address& peer) {
  const int address_index = static_cast<int>(listener);
  ServerCore& server = loop_.server();
  Service& service = server.service(address_index);
  retry_delay_ = first_retry;
  const std::size_t per_peer = service.events.limits.connections_per_peer_max;
  const auto discard = [&](std::errc why, std::string_view limit) {
    refuse(address_index, peer, why, limit);
    server.platform().refuse(socket);
  };
  if (loop_.stopping()) return discard(std::errc::operation_canceled, {});
  if (service.counts(peer.ip()) && !service.peers.add(peer.ip(), per_peer))
    return discard(std::errc::connection_refused, "Limits::connections_per_peer_max");
  count_accept(rate_owner(listener_state(listener)));
  ++service.connections;
  if (!service.has_room()) {  // all listeners of the service must pause, on this and other loops
    reevaluate();
    server.notify_other_acceptors(loop_);
  }
  ++accepted_count_;
  const int target = server.reuseport(address_index) ? loop_.index() : choose(peer);
  server.balancer().add(target);
  if (target == loop_.index()) return loop_.adopt(socket, peer, address_index);
  if (!hand_over(server.loop(target), socket, peer, address_index)) {
    refuse(address_index, peer, std::errc::operation_canceled, {});
    server.connection_gone(target, address_index, peer.ip());
  }
}

// Passes the socket to another loop. False if that failed and the socket was closed.
bool Acceptor::hand_over(LoopCore& to, NativeSocket socket, const Address& peer,
                         int address_index) {
  std::unique_ptr<AcceptedTask> task;
  try {
    task = std::make_unique<AcceptedTask>(loop_.server(), socket, peer, address_index);
  } catch (const std::bad_alloc&) {
    loop_.server().platform().discard(socket);
    return false;
  }
  return to.post_task(std::move(task));
}

// Counts a connection for accepts_per_second. A round begins with its first connection. Connections
// that the driver had accepted when accepting paused are served, and count in the next round.
void Acceptor::count_accept(ListenerState& listener_state) {
  const Rate most = rate(listener_state);
  if (most.accepts == 0) return;
  ++listener_state.accepted;
  try {
    if (!listener_state.round.active()) begin_round(listener_state, most);
  } catch (const std::bad_alloc&) {
    return;  // the next connection begins the round
  }
  listener_state.throttled = listener_state.accepted >= most.accepts;
  if (listener_state.throttled) reevaluate();
}

void Acceptor::begin_round(ListenerState& listener_state, const Rate& most) {
  const auto ended = [this, listener = listener_state.listener] {
    round_ended(Acceptor::listener_state(listener));
  };
  listener_state.round = loop_.timers().run_after(most.in, Callback<void()>(ended));
}

// Connections beyond the limit of this round are carried over to the next one.
void Acceptor::round_ended(ListenerState& listener_state) {
  const Rate most = rate(listener_state);
  listener_state.accepted -= std::min(listener_state.accepted, most.accepts);
  listener_state.throttled = listener_state.accepted >= most.accepts;
  if (listener_state.accepted > 0) begin_round(listener_state, most);
  reevaluate();
}

// All listeners of a service share its rate. The first of them counts for all.
Acceptor::ListenerState& Acceptor::rate_owner(const ListenerState& listener_state) noexcept {
  const auto service = [this](const ListenerState& of) {
    return &loop_.server().service(static_cast<int>(of.listener));
  };
  return *std::find_if(listeners_.begin(), listeners_.end(), [&](const ListenerState& each) {
    return service(each) == service(listener_state);
  });
}

// The number of loops that accept for the listener's service. Each gets an equal share of the rate.
std::size_t Acceptor::shares(const ListenerState& listener_state) const noexcept {
  const ServerCore& server = loop_.server();
  const Service* const service = &server.service(static_cast<int>(listener_state.listener));
  bool on_each = false, on_one = false;
  for (int i = 0; i < static_cast<int>(server.addresses().size()); ++i)
    if (&server.service(i) == service && !server.address(i).is_udp())
      (server.reuseport(i) ? on_each : on_one) = true;
  const auto loops = static_cast<std::size_t>(server.loops());
  return loops > 1 && on_each ? loops + (on_one ? 1 : 0) : 1;
}

// This loop's share of accepts_per_second. The number of accepts is rounded up to a whole one, and
// the round is made longer than a second accordingly.
Acceptor::Rate Acceptor::rate(const ListenerState& listener_state) const noexcept {
  const std::size_t all = loop_.server()
                              .service(static_cast<int>(listener_state.listener))
                              .events.limits.accepts_per_second;
  if (all == 0) return {};
  const std::size_t parts = shares(listener_state);
  const std::size_t accepts = all / parts + (all % parts > 0 ? 1 : 0);
  const double seconds =
      static_cast<double>(accepts) * static_cast<double>(parts) / static_cast<double>(all);
  return {.accepts = accepts,
          .in = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds))};
}

// Counts a connection that no loop gets. Others are counted in LoopCore::adopt.
void Acceptor::refuse(int address_index, const Address& peer, std::errc why,
                      std::string_view limit) noexcept {
  loop_.counters().accepted.add(1);
  loop_.counters().refused.add(1);
  loop_.trace(Trace::What::refused, [&](Trace& trace) {
    trace.local = loop_.server().address(address_index);
    trace.peer = peer;
    trace.error = std::make_error_code(why);
    trace.message = limit;
  });
}

// If the user's balance function throws, the connection goes to loop 0 and is not lost.
int Acceptor::choose(const Address& peer) {
  try {
    return loop_.server().balancer().pick(peer);
  } catch (...) {
    loop_.on_handler_exception(nullptr, std::current_exception());
    return 0;
  }
}

// Descriptors or kernel memory ran out. Retries after a delay, because the shortage may end without
// any event in this server. The first delay is short, since most shortages are brief and many
// connections may wait; it doubles up to a limit.
void Acceptor::stopped(ListenerId listener, std::error_code error) {
  loop_.counters().accept_pauses.add(1);
  loop_.trace(Trace::What::accept_failed, [&](Trace& trace) {
    trace.local = loop_.server().address(static_cast<int>(listener));
    trace.error = error;
    trace.duration = retry_delay_;
  });
  listener_state(listener).out_of_resources = true;
  listener_state(listener).accepting = false;
  if (retry_.active()) return;
  retry_ =
      loop_.timers().run_after(retry_delay_, Callback<void()>([this] { retry_after_shortage(); }));
  retry_delay_ = std::min(retry_delay_ * 2, longest_retry);
}

void Acceptor::retry_after_shortage() {
  for (ListenerState& listener_state : listeners_) {
    listener_state.out_of_resources = false;
    update(listener_state);
  }
}

void Acceptor::reevaluate() {
  for (ListenerState& listener_state : listeners_) update(listener_state);
}

void Acceptor::set_pressure(bool pressure) {
  pressure_ = pressure;
  for (ListenerState& listener_state : listeners_) update(listener_state);
}

// Accepts only if no reason to pause is left. The driver is called only when this changes.
void Acceptor::update(ListenerState& listener_state) {
  Service& service = loop_.server().service(static_cast<int>(listener_state.listener));
  if (!service.has_room()) {
    service.full = true;
    // Checks again: a connection on another loop may have closed just before `full` was set, and so
    // would not notify this loop.
    listener_state.full = !service.has_room();
  } else {
    listener_state.full = false;
  }
  const bool throttled = rate_owner(listener_state).throttled;
  const bool accepting =
      !listener_state.full && !listener_state.out_of_resources && !throttled && !pressure_;
  if (accepting == listener_state.accepting) return;
  listener_state.accepting = accepting;
  loop_.driver().set_accepting(listener_state.listener, accepting);
  if (accepting) return;
  loop_.trace(Trace::What::accepting_rests, [&](Trace& trace) {
    trace.local = loop_.server().address(static_cast<int>(listener_state.listener));
    trace.message = listener_state.full ? "Limits::connections_max"
                    : throttled         ? "Limits::accepts_per_second"
                                        : "Limits::memory_max";
  });
}

// A loop that has not got its listeners yet cannot drain them; all_listen() begins it then.
void Acceptor::drain(Callback<void()> closed) {
  drained_ = std::move(closed);
  if (!loop_.starting()) begin_drain();
}

void Acceptor::all_listen() {
  if (drained_) begin_drain();
}

void Acceptor::begin_drain() {
  std::erase_if(listeners_, [this](ListenerState& listener_state) {
    const bool passed_on =
        loop_.server().is_passed_on(static_cast<int>(listener_state.listener), loop_);
    if (passed_on) close(listener_state);
    return passed_on;
  });
  // The kernel holds at most the backlog of each listener. Without this limit, new connections
  // could delay the end of the drain for ever.
  accepted_count_max_ = accepted_count_;
  for (const ListenerState& listener_state : listeners_)
    accepted_count_max_ += static_cast<std::size_t>(
        loop_.server().service(static_cast<int>(listener_state.listener)).events.limits.backlog);
  await_pending_connections();
}

// When a listener closes, the kernel resets the connections that were not accepted yet. Therefore
// this polls until a complete poll has accepted nothing. The deadline of zero runs after one.
void Acceptor::await_pending_connections() {
  if (listeners_.empty()) return std::exchange(drained_, {})();
  loop_.timers().set_deadline(
      Duration::zero(), Callback<void()>([this, before = accepted_count_] {
        if (accepted_count_ == before || accepted_count_ > accepted_count_max_) close();
        await_pending_connections();
      }));
}

void Acceptor::close() {
  retry_.cancel();
  for (ListenerState& listener_state : listeners_) close(listener_state);
  listeners_.clear();
}

void Acceptor::close(ListenerState& listener_state) {
  listener_state.round.cancel();
  loop_.server().closing(static_cast<int>(listener_state.listener), loop_);
  loop_.driver().close_listener(listener_state.listener);
}

}}}  // namespace evio::v0::detail
