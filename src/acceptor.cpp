#include "acceptor.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "loop.hpp"
#include "server.hpp"

namespace evio::inline v1 {

namespace {

// A connection on its way to its loop. If that loop has ended, the socket is closed unseen.
struct HandOver final : Mail {
  HandOver(ServerCore& from, NativeSocket accepted, const Address& remote, int index)
      : server(from), socket(accepted), peer(remote), address_index(index) {}
  ~HandOver() override {
    if (socket.value >= 0) server.platform().refuse(socket);
  }
  void deliver(LoopCore& loop) override { loop.adopt(std::exchange(socket, NativeSocket{}), peer, address_index); }

  ServerCore& server;
  NativeSocket socket;
  Address peer;
  int address_index;
};

constexpr Duration longest_retry = std::chrono::milliseconds(100);

}  // namespace

void Acceptor::listen(int address_index, NativeSocket socket) {
  const auto listener = static_cast<Listener>(address_index);
  loop_.driver().accept_from(listener, socket);
  doors_.push_back({.listener = listener});
  update(doors_.back());
}

Acceptor::Door& Acceptor::door(Listener listener) noexcept {
  return *std::find_if(doors_.begin(), doors_.end(), [&](const Door& door) { return door.listener == listener; });
}

void Acceptor::accepted(Listener listener, NativeSocket socket, const Address& peer) {
  const int address_index = static_cast<int>(listener);
  ServerCore& server = loop_.server();
  Service& service = server.service(address_index);
  retry_delay_ = first_retry;
  const std::size_t per_peer = service.events.limits.connections_per_peer;
  const auto discard = [&](std::errc why, std::string_view limit) {
    refuse(address_index, peer, why, limit);
    server.platform().refuse(socket);
  };
  if (loop_.stopping()) return discard(std::errc::operation_canceled, {});
  if (service.counts(peer.ip()) && !service.peers.add(peer.ip(), per_peer))
    return discard(std::errc::connection_refused, "Limits::connections_per_peer");
  count_accept(rate_keeper(door(listener)));
  ++service.connections;
  if (!service.has_room()) {  // then no door of the service lets anybody in
    look_again();
    server.tell_other_doors(loop_);
  }
  ++let_in_;
  const int target = server.reuseport(address_index) ? loop_.index() : choose(peer);
  server.balancer().add(target);
  if (target == loop_.index()) return loop_.adopt(socket, peer, address_index);
  if (!hand_over(server.loop(target), socket, peer, address_index)) {
    refuse(address_index, peer, std::errc::operation_canceled, {});
    server.connection_gone(target, address_index, peer.ip());
  }
}

// False: it is closed.
bool Acceptor::hand_over(LoopCore& to, NativeSocket socket, const Address& peer, int address_index) {
  std::unique_ptr<HandOver> mail;
  try {
    mail = std::make_unique<HandOver>(loop_.server(), socket, peer, address_index);
  } catch (const std::bad_alloc&) {
    loop_.server().platform().discard(socket);
    return false;
  }
  return to.send_mail(std::move(mail));
}

// At most so many in a round, which begins with the first of them. What had landed when accepting paused is served,
// and counts in the next one.
void Acceptor::count_accept(Door& door) {
  const Rate most = rate(door);
  if (most.accepts == 0) return;
  ++door.accepted;
  try {
    if (!door.round.active()) begin_round(door, most);
  } catch (const std::bad_alloc&) {
    return;  // the next one begins it
  }
  door.throttled = door.accepted >= most.accepts;
  if (door.throttled) look_again();
}

void Acceptor::begin_round(Door& door, const Rate& most) {
  const auto ended = [this, listener = door.listener] { round_ended(Acceptor::door(listener)); };
  door.round = loop_.timers().run_after(most.in, Handler<void()>(ended));
}

void Acceptor::round_ended(Door& door) {
  const Rate most = rate(door);
  door.accepted -= std::min(door.accepted, most.accepts);
  door.throttled = door.accepted >= most.accepts;
  if (door.accepted > 0) begin_round(door, most);
  look_again();
}

// All doors of a service share its rate: the first of them counts.
Acceptor::Door& Acceptor::rate_keeper(const Door& door) noexcept {
  const auto service = [this](const Door& of) { return &loop_.server().service(static_cast<int>(of.listener)); };
  return *std::find_if(doors_.begin(), doors_.end(), [&](const Door& each) { return service(each) == service(door); });
}

// How many loops accept for the door's service: each has an equal share of its rate.
std::size_t Acceptor::shares(const Door& door) const noexcept {
  const ServerCore& server = loop_.server();
  const Service* const service = &server.service(static_cast<int>(door.listener));
  bool on_each = false, on_one = false;
  for (int i = 0; i < static_cast<int>(server.addresses().size()); ++i)
    if (&server.service(i) == service && !server.address(i).is_udp()) (server.reuseport(i) ? on_each : on_one) = true;
  const auto loops = static_cast<std::size_t>(server.loops());
  return loops > 1 && on_each ? loops + (on_one ? 1 : 0) : 1;
}

// The loop's share of what the service may accept in a second. Where that is no whole number, a round is longer.
Acceptor::Rate Acceptor::rate(const Door& door) const noexcept {
  const std::size_t all = loop_.server().service(static_cast<int>(door.listener)).events.limits.accepts_per_second;
  if (all == 0) return {};
  const std::size_t parts = shares(door);
  const std::size_t accepts = all / parts + (all % parts > 0 ? 1 : 0);
  const double seconds = static_cast<double>(accepts) * static_cast<double>(parts) / static_cast<double>(all);
  return {.accepts = accepts, .in = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds))};
}

// Those that get as far as to a loop are counted there.
void Acceptor::refuse(int address_index, const Address& peer, std::errc why, std::string_view limit) noexcept {
  loop_.counters().accepted.add(1);
  loop_.counters().refused.add(1);
  loop_.trace(Trace::What::refused, [&](Trace& trace) {
    trace.local = loop_.server().address(address_index);
    trace.peer = peer;
    trace.error = std::make_error_code(why);
    trace.message = limit;
  });
}

// A balance function of the user's that throws costs no connection.
int Acceptor::choose(const Address& peer) {
  try {
    return loop_.server().balancer().pick(peer);
  } catch (...) {
    loop_.handler_threw(nullptr, std::current_exception());
    return 0;
  }
}

// Descriptors that ran out are tried again by the clock as well: who frees one need not be one of ours. Soon at first,
// since a shortage is mostly over at once, and those who wait are many.
void Acceptor::stopped(Listener listener, std::error_code error) {
  loop_.counters().accept_pauses.add(1);
  loop_.trace(Trace::What::accept_failed, [&](Trace& trace) {
    trace.local = loop_.server().address(static_cast<int>(listener));
    trace.error = error;
    trace.duration = retry_delay_;
  });
  door(listener).starved = true;
  door(listener).accepting = false;
  if (retry_.active()) return;
  retry_ = loop_.timers().run_after(retry_delay_, Handler<void()>([this] { retry_starved(); }));
  retry_delay_ = std::min(retry_delay_ * 2, longest_retry);
}

void Acceptor::retry_starved() {
  for (Door& door : doors_) {
    door.starved = false;
    update(door);
  }
}

void Acceptor::look_again() {
  for (Door& door : doors_) update(door);
}

void Acceptor::set_pressure(bool pressure) {
  pressure_ = pressure;
  for (Door& door : doors_) update(door);
}

void Acceptor::update(Door& door) {
  Service& service = loop_.server().service(static_cast<int>(door.listener));
  if (!service.has_room()) {
    service.full = true;
    door.full = !service.has_room();  // looked at again: one may have closed before it saw `full`
  } else {
    door.full = false;
  }
  const bool throttled = rate_keeper(door).throttled;
  const bool accepting = !door.full && !door.starved && !throttled && !pressure_;
  if (accepting == door.accepting) return;
  door.accepting = accepting;
  loop_.driver().set_accepting(door.listener, accepting);
  if (accepting) return;
  loop_.trace(Trace::What::accepting_rests, [&](Trace& trace) {
    trace.local = loop_.server().address(static_cast<int>(door.listener));
    trace.message = door.full ? "Limits::connections" : throttled ? "Limits::accepts_per_second" : "Limits::memory";
  });
}

void Acceptor::drain(Handler<void()> closed) {
  drained_ = std::move(closed);
  if (!loop_.starting()) begin_drain();
}

void Acceptor::all_listen() {
  if (drained_) begin_drain();
}

void Acceptor::begin_drain() {
  std::erase_if(doors_, [this](Door& door) {
    const bool passed_on = loop_.server().is_passed_on(static_cast<int>(door.listener), loop_);
    if (passed_on) close(door);
    return passed_on;
  });
  let_in_max_ = let_in_;  // nobody is waited for beyond what the kernel may have kept when this began
  for (const Door& door : doors_)
    let_in_max_ +=
        static_cast<std::size_t>(loop_.server().service(static_cast<int>(door.listener)).events.limits.backlog);
  await_the_last();
}

// The kernel resets whoever waits at a listener that closes: looks until a look has found nobody.
void Acceptor::await_the_last() {
  if (doors_.empty()) return std::exchange(drained_, {})();
  loop_.timers().set_deadline(Duration::zero(), Handler<void()>([this, before = let_in_] {
                                if (let_in_ == before || let_in_ > let_in_max_) close();
                                await_the_last();
                              }));
}

void Acceptor::close() {
  retry_.cancel();
  for (Door& door : doors_) close(door);
  doors_.clear();
}

void Acceptor::close(Door& door) {
  door.round.cancel();
  loop_.server().closing(static_cast<int>(door.listener), loop_);
  loop_.driver().close_listener(door.listener);
}

}  // namespace evio::inline v1
