#include "server.hpp"

#include <algorithm>
#include <evio/error.hpp>
#include <evio/stats.hpp>
#include <span>
#include <stdexcept>
#include <utility>

#include "handle_block.hpp"
#include "post.hpp"
#include "server_timer.hpp"
#include "validate.hpp"

namespace evio { inline namespace v0 {

using namespace detail;

// ---- Binding

namespace {

Backend backend_for(const Events& events, const std::vector<Binding>& bindings) {
  const bool portable =
      std::any_of(bindings.begin(), bindings.end(), [](const Binding& b) { return b.portable(); });
  return portable ? Backend::poll : events.backend;
}

}  // namespace

ServerCore::ServerCore(Server& handle, std::unique_ptr<Platform> platform, Events events,
                       const std::vector<Binding>& bindings)
    : handle_(handle),
      main_(std::make_shared<const Events>(validated(std::move(events)))),
      platform_(std::move(platform)),
      balancer_(main_->balance, loop_count(main_->loops, *platform_),
                [this] { return platform_->random(); }) {
  const int count = loop_count(main_->loops, *platform_);
  for (int i = 0; i < count; ++i) loops_.push_back(std::make_unique<LoopCore>(*this, i));
  try {
    for (const Binding& binding : bindings) bind(binding);
  } catch (...) {
    release_sockets();
    throw;
  }
  if (wants_acceptor()) acceptor_ = std::make_unique<LoopCore>(*this, LoopCore::acceptor);
}

ServerCore::~ServerCore() { release(); }

int ServerCore::loop_count(int asked, Platform& platform) {
  if (asked < -1 || asked > 4096)
    throw Error(std::make_error_code(std::errc::invalid_argument), "",
                "loops is " + std::to_string(asked) +
                    ": give -1 (one for each hardware thread), or 0 to 4096");
  return asked == -1 ? platform.hardware_threads() : std::max(asked, 1);
}

// All addresses that are bound with the same Events are one service, and share its limits.
Service& ServerCore::service_of(const Binding& binding) {
  const std::shared_ptr<const Events> events = events_of(binding);
  for (Service& service : services_)
    if (service.owned == events) return service;
  return services_.emplace_back(events);
}

void ServerCore::bind(const Binding& binding) {
  Place& place = places_.emplace_back();
  place.service = &service_of(binding);
  place.reuseport = binding.reuseport();
  if (binding.socket())
    inherit(*binding.socket(), place);
  else
    bind(binding.address(), place);
  addresses_.push_back(place.sockets.back().bound.address);
}

void ServerCore::inherit(Socket& socket, Place& place) {
  if (socket.fd() < 0)
    throw Error(std::make_error_code(std::errc::bad_file_descriptor), "",
                "the socket was taken over already: each can be served once only");
  const Events& events = place.service->events;
  place.sockets.push_back(
      {platform_->inherit(std::move(socket), events.limits.backlog, events.options)});
}

// With reuseport each loop has a socket of its own, and the kernel distributes the connections.
void ServerCore::bind(Address address, Place& place) {
  const Events& events = place.service->events;
  const int sockets = place.reuseport ? loops() : 1;
  for (int i = 0; i < sockets; ++i) {
    Bound bound = platform_->bind(address, place.reuseport, events.limits.backlog, events.options);
    address = bound.address;  // the other sockets must share the port that the first one got
    place.sockets.push_back({std::move(bound)});
  }
}

// Closes the sockets that no loop has taken, because the server did not run.
void ServerCore::release_sockets() noexcept {
  for (Place& place : places_) {
    for (OpenSocket& socket : place.sockets) {
      if (std::exchange(socket.taken, true)) continue;
      retire(socket);
      platform_->discard(socket.bound.socket);
    }
  }
}

// Called when no loop has a socket any more.
void ServerCore::release() noexcept {
  signals_.reset();
  release_sockets();
  for (Place& place : places_) {
    for (OpenSocket& socket : place.sockets) {
      if (socket.open || socket.passed_on) continue;
      platform_->retired(socket.bound);
      socket.bound.file_inode = 0;  // so that retired() runs once only
    }
  }
}

// Removes the socket's file before the socket is closed. In the other order another process could
// find a stale file, replace it by its own, and lose that.
void ServerCore::retire(OpenSocket& socket) noexcept {
  const std::lock_guard lock(sockets_mutex_);
  socket.open = false;
  if (!socket.passed_on) platform_->retire(socket.bound);
}

void ServerCore::closing(int address_index, const LoopCore& loop) noexcept {
  Place& place = places_[static_cast<std::size_t>(address_index)];
  for (std::size_t i = 0; i < place.sockets.size(); ++i)
    if (owner_of(place, i) == loop.index()) retire(place.sockets[i]);
}

bool ServerCore::is_passed_on(int address_index, const LoopCore& loop) {
  const Place& place = places_[static_cast<std::size_t>(address_index)];
  const std::lock_guard lock(sockets_mutex_);
  for (std::size_t i = 0; i < place.sockets.size(); ++i)
    if (owner_of(place, i) == loop.index() && place.sockets[i].passed_on) return true;
  return false;
}

// The driver has set options for itself on the socket. If a successor has the socket already, these
// are reset.
void ServerCore::opened(int address_index, NativeSocket socket) noexcept {
  const std::lock_guard lock(sockets_mutex_);
  for (const OpenSocket& one : places_[static_cast<std::size_t>(address_index)].sockets)
    if (one.bound.socket.value == socket.value && one.passed_on) platform_->share(socket);
}

Socket ServerCore::listener(int address_index) {
  return std::move(listeners(address_index, 1).front());
}

std::vector<Socket> ServerCore::listeners(int address_index) {
  check_address_index(address_index);
  return listeners(address_index, places_[static_cast<std::size_t>(address_index)].sockets.size());
}

// Duplicates the first `count` sockets of an address. Either all or none become passed_on.
std::vector<Socket> ServerCore::listeners(int address_index, std::size_t count) {
  check_address_index(address_index);
  Place& place = places_[static_cast<std::size_t>(address_index)];
  const std::lock_guard lock(sockets_mutex_);
  std::vector<Socket> all;
  for (const OpenSocket& socket : std::span(place.sockets).first(count)) {
    if (!socket.open)
      throw Error(std::make_error_code(std::errc::bad_file_descriptor),
                  address(address_index).to_string(), "its socket is closed");
    all.push_back(platform_->duplicate(socket.bound.socket));
  }
  for (OpenSocket& socket : std::span(place.sockets).first(count)) {
    socket.passed_on = true;
    platform_->share(socket.bound.socket);
  }
  return all;
}

// A loop that only accepts is needed if several loops share a listening socket.
bool ServerCore::wants_acceptor() const noexcept {
  if (loops() == 1) return false;
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (!places_[i].reuseport && !addresses_[i].is_udp()) return true;
  return false;
}

// The loop that serves a socket. Datagrams that share one socket are served by loop 0.
int ServerCore::owner_of(const Place& place, std::size_t socket) const noexcept {
  if (place.reuseport) return static_cast<int>(socket);
  const bool datagrams = place.sockets.front().bound.address.is_udp();
  return datagrams || loops() == 1 ? 0 : LoopCore::acceptor;
}

bool ServerCore::listens(const LoopCore& loop) const noexcept {
  for (const Place& place : places_)
    for (std::size_t i = 0; i < place.sockets.size(); ++i)
      if (owner_of(place, i) == loop.index()) return true;
  return false;
}

// ---- Starting

template <class Fn>
void ServerCore::each_loop(Fn&& fn) {
  for (auto& loop : loops_) fn(*loop);
  if (acceptor_) fn(*acceptor_);
}

// Posts fn(loop) to each loop, which calls it on its own thread.
template <class Fn>
void ServerCore::broadcast_to_loops(Fn fn) {
  each_loop(
      [&](LoopCore& loop) { loop.post_task(std::make_unique<Post>([&loop, fn] { fn(loop); })); });
}

// If a thread cannot be created, the loops that run are stopped, the others are ended here, and the
// exception is passed on.
void ServerCore::run() {
  const std::vector<Runner*> runners = start();
  try {
    if (!runners.empty()) platform_->run(runners, [this] { stop(); });
  } catch (...) {
    end_threadless();
    release();
    throw;
  }
  finish();
}

// Ends the loops that got no thread, because the platform could not create it.
void ServerCore::end_threadless() noexcept {
  each_loop([](LoopCore& loop) {
    if (!loop.ended()) loop.end_unrun();
  });
}

void ServerCore::prepare() {
  each_loop([](LoopCore& loop) { loop.prepare(); });
}

std::vector<Runner*> ServerCore::start() {
  if (ran_.exchange(true))
    throw std::logic_error("evio: Server::run was called before; make another Server");
  ended_ = true;  // if one of these throws, a later poll() must not continue
  try {
    platform_->start();
    prepare();
    if (events().handle_signals) signals_ = platform_->catch_signals(*this);
  } catch (...) {
    release();
    throw;
  }
  ended_ = false;
  Action action = Action::none;
  if (events().serving) loop(0).invoke([&] { action = events().serving(handle_); });
  std::vector<Runner*> runners;
  if (action == Action::shutdown || stop_asked()) {
    each_loop([](LoopCore& loop) { loop.end_unrun(); });
  } else {
    each_loop([&](LoopCore& loop) { runners.push_back(&loop); });
    starting_ = static_cast<int>(runners.size());
  }
  return runners;
}

void ServerCore::finish() {
  release();
  ended_ = true;
  if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
}

void ServerCore::check_address_index(int index) const {
  if (index < 0 || static_cast<std::size_t>(index) >= addresses_.size())
    throw std::out_of_range("evio: there is no address " + std::to_string(index) + "; there are " +
                            std::to_string(addresses_.size()) + ", counted from 0");
}

void ServerCore::check_foreign_loop() const {
  if (loops() > 1)
    throw std::logic_error("evio: a foreign loop can drive only a Server with one loop");
  if (ran_ && !ended_ && loop(0).driver().is_copy())
    throw std::logic_error(
        "evio: this is a copy of a Server that runs in the process that forked this one");
}

bool ServerCore::poll(Duration wait) {
  check_foreign_loop();
  if (ended_) return false;
  if ((ran_ || !start().empty()) && loop(0).poll_once(wait)) return true;
  finish();
  return false;
}

NativeSocket ServerCore::native_handle() {
  check_foreign_loop();
  if (ended_) return {};
  prepare();
  return loop(0).pollable();
}

Duration ServerCore::next_timer() {
  check_foreign_loop();
  return ran_ && !ended_ ? loop(0).time_to_next() : Duration::zero();
}

// Accepting begins only when all loops have started, so that no connection waits for a loop.
void ServerCore::loop_is_up() {
  if (starting_.fetch_sub(1) == 1)
    loop(0).post_task(std::make_unique<Post>([this] { everything_is_up(); }));
}

// Runs on loop 0 when all loops have started: first the first tick, then all loops begin to accept.
void ServerCore::everything_is_up() {
  if (stop_asked()) return;
  if (events().tick) run_tick();
  if (stop_asked()) return;
  broadcast_to_loops([](LoopCore& loop) { loop.begin_accepting(); });
}

// The tick returns its next delay. A negative one ends it.
void ServerCore::run_tick() {
  Action action = Action::none;
  loop(0).invoke([&] {
    const Tick tick = events().tick(loop(0));
    tick_delay_ = tick.delay;
    action = tick.action;
  });
  if (action == Action::shutdown) return stop();
  if (tick_delay_ < Duration::zero()) return tick_.cancel();
  tick_.restart(tick_delay_);
  if (!tick_.active())
    tick_ = loop(0).timers().run_after(tick_delay_, Callback<void()>([this] { run_tick(); }));
}

// ---- Stopping

// A signal handler may call this, so it only sets a flag. Loop 0 sees the flag at the end of its
// iteration, and notifies the other loops.
void ServerCore::stop() noexcept {
  stop_asked_.store(true);
  loops_.front()->tasks()->wake();
}

void ServerCore::stop_now() noexcept {
  stop_now_asked_.store(true);
  stop();
}

void ServerCore::broadcast_stop() {
  if (!std::exchange(stop_told_, true))
    broadcast_to_loops([](LoopCore& loop) { loop.begin_stop(); });
}

void ServerCore::broadcast_stop_now() {
  if (!std::exchange(stop_now_told_, true))
    broadcast_to_loops([](LoopCore& loop) { loop.stop_now(); });
}

// Only the first exception can be thrown by run(); later ones are often its consequences.
void ServerCore::keep_exception(std::exception_ptr exception) noexcept {
  const std::lock_guard lock(exception_mutex_);
  if (!exception_) exception_ = std::move(exception);
}

// ---- Clients

namespace {

// Makes an outgoing connection on the loop that runs this task. If the loop has ended, the task is
// destroyed instead, and marks the handle as gone.
struct ConnectTask final : Task {
  ConnectTask(const Binding& binding, std::shared_ptr<HandleBlock> made)
      : to(binding), handle(std::move(made)) {}
  ~ConnectTask() override {
    if (handle) handle->mark_gone();
  }
  void run_on(LoopCore& loop) override {
    const std::uint64_t id = handle->id();
    loop.connect(to, id, std::move(handle));
  }

  const Binding to;
  std::shared_ptr<HandleBlock> handle;
};

}  // namespace

void detail::check_target(const Binding& binding) {
  const Address& to = binding.address();
  const auto refuse = [](const std::string& address, const char* problem) {
    throw Error(std::make_error_code(std::errc::invalid_argument), address, problem);
  };
  if (binding.socket())
    refuse("fd://" + std::to_string(binding.socket()->fd()),
           "a socket cannot be connected to; adopt it");
  if (to.host().empty()) refuse(to.to_string(), "there is no host to connect to");
  if (!to.is_unix() && to.port() == 0) refuse(to.to_string(), "there is no port to connect to");
}

// Any thread. The connection is made by a task; the handle is valid at once, so that the caller can
// send before the connection exists.
Handle ServerCore::connect(const Binding& to) {
  check_target(to);
  LoopCore& on = loop(balancer_.pick(to.address()));
  auto handle = std::make_shared<HandleBlock>(on.tasks(), StreamId{}, next_id_++,
                                              events_of(to)->limits.output_max);
  // If the server stops, the task is destroyed without running, which marks the handle as gone.
  auto task = std::make_unique<ConnectTask>(to, handle);
  if (!stop_asked()) on.post_task(std::move(task));
  return HandleBlock::handle(std::move(handle));
}

Handle ServerCore::datagrams(int address_index, const Address& peer) {
  check_address_index(address_index);
  const Address& from = addresses_[static_cast<std::size_t>(address_index)];
  if (!from.is_udp() || !peer.has_ip() || peer.port() == 0)
    throw Error(std::make_error_code(std::errc::invalid_argument), peer.to_string(),
                from.is_udp()
                    ? "datagrams need an IP address and a port"
                    : "the server's address " + from.to_string() + " is not a udp address");
  return HandleBlock::handle(std::make_shared<HandleBlock>(
      loop(0).tasks(),
      HandleBlock::Peer{
          .socket = static_cast<UdpSocketId>(address_index), .local = from, .remote = peer},
      service(address_index).events.limits.output_max));
}

ServerTimer ServerCore::run_after(Duration delay, Callback<void()> fn, Duration period) {
  auto state = std::make_shared<ServerTimerState>(loop(0).tasks(), loop(0).timers());
  state->arm(delay, std::move(fn), period);
  return ServerTimer(std::move(state));
}

// ---- Draining

// The last loop that has stopped accepting checks whether the server is empty; afterwards each
// connection that closes does. The deadline stops the server in any case.
void ServerCore::drain(Duration deadline) {
  if (draining_.exchange(true)) return;
  accepting_loops_ = loops() + (acceptor_ ? 1 : 0);
  broadcast_to_loops([this](LoopCore& loop) {
    loop.begin_draining();
    loop.accepting().drain([this] {
      if (accepting_loops_.fetch_sub(1) == 1) end_if_drained();
    });
  });
  loop(0).post_task(std::make_unique<Post>([this, deadline] {
    loop(0).timers().run_after(deadline, Callback<void()>([this] { stop(); }));
  }));
}

// Checks the listeners first and then the connections: a connection is counted when it is accepted,
// so none can be missed between the two.
void ServerCore::end_if_drained() {
  if (draining_ && accepting_loops_ == 0 && accepted_connections() == 0) stop();
}

std::size_t ServerCore::accepted_connections() const noexcept {
  std::size_t count = 0;
  for (const Place& place : places_) count += place.service->connections.load();
  return count;
}

// ---- What all loops count

// `full` is exchanged, so that only one of several connections that close at once notifies the
// acceptors.
void ServerCore::connection_gone(int loop, int address_index, const Address::Ip& peer) {
  balancer_.remove(loop);
  if (address_index < 0) return;  // outgoing connections count for no service
  Service& of = service(address_index);
  if (of.counts(peer)) of.peers.remove(peer);
  --of.connections;
  end_if_drained();
  if (!of.full.load() || !of.full.exchange(false)) return;
  each_loop([this](LoopCore& each) {
    if (listens(each)) each.notify_reevaluate();
  });
}

void ServerCore::notify_other_acceptors(const LoopCore& loop) {
  each_loop([&](LoopCore& each) {
    if (&each != &loop && listens(each)) each.notify_reevaluate();
  });
}

// Memory pressure begins above the limit and ends an eighth below it. Without this distance it
// would begin and end with every read.
void ServerCore::hold(std::ptrdiff_t bytes) {
  std::size_t total =
      held_.fetch_add(static_cast<std::size_t>(bytes)) + static_cast<std::size_t>(bytes);
  const std::size_t most = events().limits.memory_max;
  if (most == 0) return;
  for (const auto& loop : loops_) total += loop->tasks()->held();
  const bool pressure = pressure_ ? total > most - most / 8 : total > most;
  if (pressure_.exchange(pressure) != pressure)
    each_loop([](LoopCore& loop) { loop.notify_reevaluate(); });
}

Stats ServerCore::stats() const noexcept {
  Stats stats;
  for (const auto& loop : loops_) loop->add_to(stats);
  if (acceptor_) acceptor_->add_to(stats);
  return stats;
}

Stats ServerCore::stats(int loop) const {
  if (loop < LoopCore::acceptor || loop >= loops())
    throw std::out_of_range("evio: there is no loop " + std::to_string(loop) + "; there are " +
                            std::to_string(loops()) + ", counted from 0");
  Stats stats;
  LoopCore* const of = loop == LoopCore::acceptor ? acceptor_.get() : &this->loop(loop);
  if (of) of->add_to(stats);
  return stats;
}

// ---- Server

Server::Server(Bound, Events&& events, const std::vector<Binding>& bindings)
    : core_(std::make_unique<ServerCore>(*this, make_platform(backend_for(events, bindings)),
                                         std::move(events), bindings)) {}
Server::Server(std::unique_ptr<Platform> platform, Events&& events,
               const std::vector<Binding>& bindings)
    : core_(std::make_unique<ServerCore>(*this, std::move(platform), std::move(events), bindings)) {
}
Server::~Server() = default;
void Server::run() { core_->run(); }
bool Server::poll(Duration wait) { return core_->poll(wait); }
int Server::native_handle() { return static_cast<int>(core_->native_handle().value); }
Duration Server::next_timer() { return core_->next_timer(); }
const std::vector<Address>& Server::addresses() const noexcept { return core_->addresses(); }
int Server::loops() const noexcept { return core_->loops(); }
Loop& Server::loop(int index) const noexcept { return core_->loop(index); }
Stats Server::stats() const noexcept { return core_->stats(); }
Stats Server::stats(int loop) const { return core_->stats(loop); }
Handle Server::connect(const Binding& to) { return core_->connect(to); }
void Server::drain(Duration deadline) { core_->drain(deadline); }
Handle Server::datagrams(int address_index, const Address& peer) {
  return core_->datagrams(address_index, peer);
}
Socket Server::listener(int address_index) { return core_->listener(address_index); }
std::vector<Socket> Server::listeners(int address_index) { return core_->listeners(address_index); }
void Server::shutdown() noexcept { core_->stop(); }

ServerTimer Server::run_after(Duration delay, Callback<void()> fn) {
  return core_->run_after(delay, std::move(fn));
}
ServerTimer Server::run_every(Duration period, Callback<void()> fn) {
  period = std::max<Duration>(period, std::chrono::milliseconds(1));
  return core_->run_after(period, std::move(fn), period);
}

void Server::broadcast(SharedBytes bytes) {
  for_each([bytes = std::move(bytes), &core = *core_](Conn& conn) {
    if (core.of_first_events(conn.address_index())) conn.write(bytes);
  });
}

void Server::broadcast(SharedBytes bytes, int address_index) {
  core_->check_address_index(address_index);
  for_each([bytes = std::move(bytes), address_index](Conn& conn) {
    if (conn.address_index() == address_index) conn.write(bytes);
  });
}

// Each loop calls fn on its own thread. They share one copy of fn.
void Server::for_each(Callback<void(Conn&)> fn) {
  auto shared = std::make_shared<Callback<void(Conn&)>>(std::move(fn));
  for (int i = 0; i < loops(); ++i)
    loop(i).post([&to = core_->loop(i), shared] { to.run_each(*shared); });
}

}}  // namespace evio::v0
