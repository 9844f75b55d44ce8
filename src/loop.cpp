#include "loop.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "handle_block.hpp"
#include "post.hpp"
#include "printable.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

std::string thread_name_of(int index) {
  if (index == LoopCore::acceptor) return "evio-accept";
  return index == 0 ? "" : "evio-" + std::to_string(index);
}

constexpr Duration at_once = Duration::min();
constexpr Duration never = Duration::max();

// Ids of connections are unique in a server: each loop counts in a range of its own.
constexpr int id_bits = 48;

}  // namespace

LoopCore::LoopCore(ServerCore& server, int index)
    : server_(server),
      index_(index),
      thread_name_(thread_name_of(index)),
      tasks_(std::make_shared<TaskQueue>()),
      timers_(std::make_shared<TimerWheel>([this] { return server_.platform().now(); })),
      acceptor_(*this),
      datagrams_(*this),
      next_id_((static_cast<std::uint64_t>(index + 1) << id_bits) + 1) {}

// The loop may never have run to completion. Tasks and timers are dropped before the other members:
// they refer to connections and to the driver.
LoopCore::~LoopCore() {
  release_owner();
  tasks_->discard();
  timers_->clear();
}

// From now on any thread may call the loop, for instance the one that destroys the server.
void LoopCore::release_owner() noexcept {
  owner_.clear();
  timers_->owner().clear();
}

// ---- Iterations

// Called again in the child after a fork: a driver that a foreign loop needed before the fork
// belongs to the parent. It can be replaced, since it had nothing to do yet.
void LoopCore::prepare() {
  if (driver_ && !driver_->is_copy()) return;
  driver_.reset();
  tasks_->set_waker(server_.platform().make_waker());
  driver_ = server_.platform().make_driver(*this, tasks_->waker());
  read_clock();
}

// The first iteration does this, so it runs on the loop's own thread.
void LoopCore::start() {
  started_ = true;
  if (const std::size_t most = server_.events().limits.memory_max) {
    const auto loops = static_cast<std::size_t>(server_.loops());
    held_step_ = std::max<std::size_t>(most / (8 * loops), 16 << 10);
    publish_above_ = held_step_;
  }
  defer_flush_ = static_cast<bool>(server_.events().pre_write);
  watches_->start(
      *driver_, [this](const std::exception_ptr& error) { on_handler_exception(nullptr, error); });
  each([](Connection& connection) { confine(connection, [&] { connection.make(); }); });
  if (index_ != acceptor && server_.events().loop_started)
    invoke([this] { server_.events().loop_started(*this); });
  server_.loop_is_up();
}

// Tasks come before timers: a task may cancel a timer that is due. Scheduled connections come last,
// so that one flush sends everything that this iteration has written.
bool LoopCore::run_once() {
  owner_.set();
  timers_->owner().set();
  if (!started_) start();
  if (!wait()) return true;
  const bool task = run_tasks();
  const bool timers = run_timers();
  idle_ = !busy_ && !task && !timers && scheduled_.empty();
  update_scheduled();
  if (defer_flush_) commit();
  publish_gauges();
  reap();
  if (index_ == 0 && server_.stop_asked()) server_.broadcast_stop();
  if (index_ == 0 && server_.stop_now_asked()) server_.broadcast_stop_now();
  if (!stopping_ || connections_.size() > 0) return true;
  end();
  return false;
}

// Runs iterations until one has found nothing to do: only then does the kernel know everything that
// the loop waits for. After prepare_to_sleep() the task queue makes pollable() readable when a task
// arrives. The number of iterations is bounded, so that the foreign loop's own work gets its share.
bool LoopCore::poll_once(Duration timeout) {
  constexpr int iterations_max = 64;
  timeout_ = timeout;
  for (int i = 0; i < iterations_max; ++i) {
    if (!run_once()) return false;
    timeout_ = Duration::zero();
    if (idle_ && tasks_->prepare_to_sleep()) break;
  }
  in_batch_ = false;  // the time that the foreign loop takes is not part of our batch
  return true;
}

Duration LoopCore::time_to_next() const {
  if (!idle_ || !tasks_->empty()) return Duration::zero();
  // Bounded, so that it fits into the int of milliseconds that poll(2) takes.
  constexpr Duration longest = std::chrono::hours(1);
  const std::optional<Duration> deadline = timers_->next_deadline();
  return deadline ? std::clamp(*deadline - driver_->now(), Duration::zero(), longest) : longest;
}

// Polls the driver once. It does not sleep if work is left. False if the loop is parked: the wait
// is not over, and the task queue stays prepared to wake it.
bool LoopCore::wait() {
  const bool work_waits = !scheduled_.empty() || !tasks_->empty() || stopping_;
  if (stopping_ && connections_.size() == 0) return true;
  if (!work_waits && spin()) return true;
  Duration deadline = timers_->next_deadline().value_or(never);
  if (timeout_ != never) {
    const Duration now = driver_->now();
    if (timeout_ < deadline - now) deadline = now + timeout_;
  }
  const bool sleep = scheduled_.empty() && tasks_->prepare_to_sleep();
  slept_at_ = now_;
  if (sleep && in_batch_) end_batch(driver_->now());
  const PollResult polled = poll(sleep ? deadline : at_once);
  if (polled.parked) return false;
  tasks_->awake();
  busy_ = polled.any;
  if (!polled.slept) return true;
  counters_.wakeups.add(1);
  // The loop slept beyond its deadline: the process was stopped, or got no processor time.
  stalls_.add(std::min(deadline, now_), now_);
  if (busy_ && now_ - slept_at_ < server_.events().busy_poll) spin_ = server_.events().busy_poll;
  return true;
}

// When a look (a sequence of polls up to the first complete one) ends, everything that had arrived
// when it began has been handled. Only then may deadlines that had passed at that time be judged:
// otherwise a peer could be closed although its bytes were waiting in the kernel.
PollResult LoopCore::poll(Duration deadline) {
  if (!std::exchange(looking_, true)) look_began_ = now_;
  const PollResult polled = driver_->poll(deadline);
  if (polled.parked || polled.partial) return polled;
  looking_ = false;
  looked_ = look_began_;
  return polled;
}

// Busy polling: after work, more work often comes soon, so this polls without sleeping. The time
// halves when nothing was found, and is restored when a sleep turns out to have been short. It ends
// in time for the next timer and for the timeout of a foreign loop.
bool LoopCore::spin() {
  if (spin_ <= Duration::zero() || !busy_) return false;
  const Duration begun = driver_->now();
  const Duration most =
      std::min({spin_, timeout_, timers_->next_deadline().value_or(never) - begun});
  end_batch(begun);
  while (driver_->now() - begun < most && tasks_->empty()) {
    const bool any = poll(at_once).any;
    in_batch_ = any;
    if (!any) continue;
    spin_ = server_.events().busy_poll;
    return true;
  }
  spin_ = spin_ < std::chrono::microseconds(1) ? Duration::zero() : spin_ / 2;
  return false;
}

void LoopCore::on_woken() {
  const Duration before = now_;
  read_clock();
  if (now_ - aged_ > Stamp::aging) age_stamps(before);
  end_batch(now_);  // for a loop that did not sleep: reuses the time just read
  batch_began_ = now_;
  in_batch_ = true;
}

void LoopCore::read_clock() {
  now_ = as_of_ = driver_->now();
  stamp_ = Stamp(now_);
}

// Stamps have a limited range. Aging rewrites old ones before they wrap around. It takes the time
// before the sleep into account, so that a stamp stays correct even after a very long sleep.
void LoopCore::age_stamps(Duration before) {
  aged_ = now_;
  each([&](Connection& connection) { connection.age_stamp(before, now_); });
}

// Records how long the batch took: events that arrive meanwhile wait until the next poll.
void LoopCore::end_batch(Duration at) noexcept {
  if (!std::exchange(in_batch_, false)) return;
  const Duration lag = at - batch_began_;
  stalls_.add(batch_began_, at);
  counters_.lag.add(lag);
  if (lag <= Stats::slow) return;
  counters_.slow_batches.add(1);
  trace(Trace::What::slow_batch, [&](Trace& trace) { trace.duration = lag; });
}

bool LoopCore::run_tasks() {
  Task* const task = tasks_->take();
  run_all(task);
  return task != nullptr;
}

void LoopCore::run_all(Task* task) {
  while (task) {
    const TaskPointer one(std::exchange(task, task->next));
    counters_.posts.add(1);
    one->run_on(*this);
  }
}

// Two groups: ordinary timers by the time of this batch, and deadlines that judge a peer by the
// time of the last complete look.
bool LoopCore::run_timers() {
  if (!timers_->any_due(now_)) return false;
  const TimerWheel::Run run = [this](TimerWheel::TimerCallback& callback, Conn* owner) {
    if (auto* const connection = static_cast<Connection*>(owner))
      confine(*connection, [&] { connection->run(std::get<Callback<void(Conn&)>>(callback)); });
    else
      invoke(std::get<Callback<void()>>(callback));
  };
  std::size_t count = timers_->advance(now_, run);
  // Bytes that arrived after the look are not read yet, so peers are judged as of the look.
  as_of_ = looked_;
  count += timers_->judge(looked_, stalls_, run);
  as_of_ = now_;
  if (count > 0) counters_.timers_run.add(count);
  return count > 0;
}

Timer LoopCore::arm(Duration delay, Callback<void()> fn, Duration period) {
  return timers_->run_after(delay, std::move(fn), period);
}

Timer LoopCore::arm_deadline(Duration delay, Callback<void()> fn) {
  if (!stopping_) prepare();
  return timers_->set_deadline(delay, std::move(fn));
}

void LoopCore::schedule(Connection& connection) {
  if (connection.scheduled()) return;
  connection.set_scheduled(true);
  scheduled_.push_back(&connection);
}

// update() may schedule connections again; these are updated in the next iteration, after a poll
// that does not sleep, so that other connections are not delayed.
void LoopCore::update_scheduled() {
  if (scheduled_.empty()) return;
  updating_.swap(scheduled_);
  for (Connection* connection : updating_) {
    connection->set_scheduled(false);
    confine(*connection, [=] { connection->update(); });
  }
  updating_.clear();
}

// Group commit: Events::pre_write runs before any output of this batch is sent, for example to sync
// a log file once for many replies. Output that handlers write afterwards waits for the next batch.
void LoopCore::commit() {
  const auto has_output = [](const Connection* connection) { return connection->wants_flush(); };
  if (std::none_of(scheduled_.begin(), scheduled_.end(), has_output)) return;
  invoke([this] { server_.events().pre_write(*this); });
  committing_ = true;
  // NOLINTNEXTLINE(modernize-loop-convert): flush() may schedule more connections
  for (std::size_t i = 0; i < scheduled_.size(); ++i)
    confine(*scheduled_[i], [&] { scheduled_[i]->flush(); });
  committing_ = false;
  update_scheduled();
}

void LoopCore::retire(Connection& connection, CloseReason ending) {
  counters_.closed_by[static_cast<std::size_t>(ending)].add(1);
  closed_.push_back(&connection);
  server_.connection_gone(index_, connection.address_index(), connection.peer_ip());
}

// A closed connection that is still scheduled is freed by a later iteration: scheduled_ points to
// it.
void LoopCore::reap() {
  std::erase_if(closed_, [this](Connection* connection) {
    if (connection->scheduled()) return false;
    connections_.destroy(static_cast<std::uint32_t>(connection->stream()));
    return true;
  });
}

// ---- Connections

void LoopCore::watch_idle(const Connection& connection, int address_index, Duration timeout,
                          Duration left) {
  const auto index = static_cast<std::size_t>(address_index);
  if (index >= idle_watches_.size()) idle_watches_.resize(index + 1);
  if (!idle_watches_[index]) {
    const auto reevaluate = [this, address_index](std::uint32_t slot) -> std::optional<Duration> {
      if (!connections_.alive(slot) || connections_[slot].address_index() != address_index)
        return std::nullopt;
      return connections_[slot].look_if_idle();
    };
    idle_watches_[index] = std::make_unique<IdleWatch>(
        *timers_, [this] { return now_; }, timeout, reevaluate);
  }
  idle_watches_[index]->add(static_cast<std::uint32_t>(connection.stream()), left);
}

// Reserves memory when a connection is made, so that closing one never allocates and so cannot
// fail. Reserves far ahead for the reason that Slots::make_room explains.
void LoopCore::make_room_in_lists() {
  if (connections_.size() < closed_.capacity()) return;
  const std::size_t room = (connections_.size() + 256) * 4;
  for (std::vector<Connection*>* list : {&scheduled_, &updating_, &closed_}) list->reserve(room);
}

// Without memory for a connection its socket is closed at once, and the counters of the service and
// the balancer, which have counted it already, are corrected.
void LoopCore::adopt(NativeSocket socket, const Address& peer, int address_index) {
  counters_.accepted.add(1);
  std::uint32_t slot = Slab<Connection>::none;
  try {
    make_room_in_lists();
    if (!stopping())
      slot = connections_.make(*this, peer, static_cast<std::uint16_t>(address_index), next_id_++);
    if (slot != Slab<Connection>::none) driver_->open(static_cast<StreamId>(slot), socket);
  } catch (const std::bad_alloc&) {
    if (slot != Slab<Connection>::none) connections_.destroy(slot);
    slot = Slab<Connection>::none;
  }
  if (slot == Slab<Connection>::none) {
    counters_.refused.add(1);
    trace(Trace::What::refused, [&](Trace& trace) {
      trace.local = server_.address(address_index);
      trace.peer = peer;
      trace.error = std::make_error_code(stopping() ? std::errc::operation_canceled
                                                    : std::errc::not_enough_memory);
    });
    server_.connection_gone(index_, address_index, peer.ip());
    return server_.platform().refuse(socket);
  }
  counters_.opened.add(1);
  Connection& made = connections_[slot];
  confine(made, [&] { made.begin(static_cast<StreamId>(slot)); });
}

Connection& LoopCore::make_outgoing(const Binding& to, const Address& peer, std::uint64_t id) {
  make_room_in_lists();
  const std::uint32_t slot = connections_.make(*this, server_.events_of(to), peer, id);
  connections_[slot].set_stream(static_cast<StreamId>(slot));
  counters_.opened.add(1);
  server_.balancer().add(index_);
  return connections_[slot];
}

Connection* LoopCore::connect(const Binding& to, std::uint64_t id,
                              std::shared_ptr<HandleBlock> handle,
                              std::shared_ptr<Reconnector> reconnector) {
  if (stopping()) {
    if (handle) handle->mark_gone();
    return nullptr;
  }
  Connection& made = make_outgoing(to, to.address(), id);
  if (handle) made.use_handle(std::move(handle));
  confine(made, [&] { made.connect(std::move(reconnector)); });
  return &made;
}

Connection* LoopCore::adopt(Socket&& socket, const Binding& as) {
  if (stopping()) {
    const Socket closed(std::move(socket));
    return nullptr;
  }
  const std::string received(socket.buffered());
  // take_over may throw, therefore it comes before the connection is made.
  const NativeSocket taken = server_.platform().take_over(std::move(socket));
  Connection& made = make_outgoing(as, as.address(), next_id());
  made.adopt(taken, received);
  return &made;
}

// A stream id is used again after its connection was freed; the connection's own id never is.
Connection* LoopCore::find(StreamId stream, std::uint64_t id) noexcept {
  const auto slot = static_cast<std::uint32_t>(stream);
  if (!connections_.alive(slot)) return nullptr;
  Connection& found = connections_[slot];
  return found.id() == id && !found.finished() ? &found : nullptr;
}

void LoopCore::run_each(const Callback<void(Conn&)>& fn) {
  each([&](Connection& connection) {
    if (connection.is_open()) confine(connection, [&] { connection.run(fn); });
  });
}

void LoopCore::on_accepted(ListenerId listener, NativeSocket socket, const Address& peer) {
  acceptor_.accepted(listener, socket, peer);
}
void LoopCore::on_accept_stopped(ListenerId listener, std::error_code error) {
  acceptor_.stopped(listener, error);
}
void LoopCore::on_connected(ConnectId id, NativeSocket socket) {
  connects_[static_cast<std::uint32_t>(id)]->connected(id, socket);
}
void LoopCore::on_connect_failed(ConnectId id, std::error_code error) {
  connects_[static_cast<std::uint32_t>(id)]->failed(id, error);
}
void LoopCore::on_received(StreamId stream, std::string_view bytes) {
  counters_.received.add(bytes.size());
  Connection& to = connection(stream);
  confine(to, [&] { to.received(bytes); });
  if (held() > publish_above_) [[unlikely]] {
    publish_held();
    update_pressure();
  }
}
void LoopCore::on_end_of_stream(StreamId stream) {
  confine(connection(stream), [&] { connection(stream).end_received(); });
}
void LoopCore::on_sent(StreamId stream, std::size_t count) {
  confine(connection(stream), [&] { connection(stream).sent(count); });
}
void LoopCore::on_datagram(UdpSocketId socket, const Datagram& datagram) {
  datagrams_.received(socket, datagram);
}
void LoopCore::on_datagram_refused(UdpSocketId socket, std::error_code error) {
  datagrams_.refused(socket, error);
}
void LoopCore::on_datagrams_sent(const DatagramTally& tally) {
  counters_.datagrams_sent.add(tally.sent);
  counters_.sent.add(tally.bytes);
  counters_.datagrams_dropped.add(tally.dropped);
}
void LoopCore::on_ready(WatchId name, Interest ready) {
  invoke([&] { watches_->run(name, ready); });
}
void LoopCore::on_detached(StreamId stream, NativeSocket socket) {
  confine(connection(stream), [&] { connection(stream).on_detached(socket); });
}
void LoopCore::on_closed(StreamId stream, std::error_code error) {
  confine(connection(stream), [&] { connection(stream).on_closed(error); });
}

namespace {

// Calls fn with the message of the exception.
template <class Fn>
void with_message(const std::exception_ptr& exception, Fn&& fn) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    fn(std::string_view(error.what()));
  } catch (...) {
    fn(std::string_view("an exception that is not a std::exception"));
  }
}

}  // namespace

bool LoopCore::traced() const noexcept { return static_cast<bool>(server_.events().trace); }
void LoopCore::call_trace(const Trace& trace) const { server_.events().trace(trace); }

// The message is made printable and cut to a limit: it may contain any number of the peer's bytes.
void LoopCore::report(Conn& connection, std::string_view what) noexcept {
  constexpr std::size_t enough = 300;
  try {
    const std::string of =
        connection.id() == 0 ? "a datagram" : "connection " + std::to_string(connection.id());
    server_.platform().report("an exception left a handler of " + of + " from " +
                              printable(connection.remote().to_string()) + ": " +
                              printable(what.substr(0, enough)));
  } catch (...) {
    server_.platform().report("an exception left a handler; there is no memory for the details");
  }
}

// `failed` may throw, too: then that exception stops the server, and Server::run throws it.
void LoopCore::on_handler_exception(Conn* connection,
                                    const std::exception_ptr& exception) noexcept {
  counters_.exceptions.add(1);
  with_message(exception, [&](std::string_view what) {
    trace(Trace::What::exception, [&](Trace& trace) {
      trace.message = what;
      if (!connection) return;
      trace.connection = connection->id();
      if (connection->address_index() >= 0)
        trace.local = server_.address(connection->address_index());
      trace.peer = connection->remote();
    });
  });
  const Events& events = server_.events();
  try {
    if (events.failed) {
      if (events.failed(connection, exception) == Action::shutdown) server_.stop();
    } else if (connection) {
      with_message(exception, [&](std::string_view what) { report(*connection, what); });
    } else {
      std::rethrow_exception(exception);
    }
  } catch (...) {
    server_.keep_exception(std::current_exception());
    server_.stop();
  }
}

// ---- Starting to accept, and stopping

bool LoopCore::stopping() const noexcept { return stopping_ || server_.stop_asked(); }

void LoopCore::begin_accepting() {
  if (stopping()) return;
  sockets_taken_ = true;
  server_.take_sockets(*this, [this](int address_index, NativeSocket socket) {
    if (server_.address(address_index).is_udp())
      datagrams_.bind(address_index, socket);
    else
      acceptor_.listen(address_index, socket);
  });
  acceptor_.all_listen();
}

// Connections that are accepted from now on (the kernel had completed them before) get their
// `draining` call when they open.
void LoopCore::begin_draining() {
  draining_ = true;
  each([](Connection& connection) {
    if (connection.address_index() >= 0) confine(connection, [&] { connection.announce_end(); });
  });
}

// The order matters: `draining` handlers run while the connections are still open, and listeners
// are closed before connections, so that no connection is accepted that would not be stopped.
void LoopCore::begin_stop() {
  each([](Connection& connection) { confine(connection, [&] { connection.announce_end(); }); });
  stopping_ = true;
  acceptor_.close();
  each([](Connection& connection) { confine(connection, [&] { connection.stop(); }); });
  timers_->set_deadline(server_.events().limits.drain_timeout,
                        Callback<void()>([this] { stop_now(); }));
}

void LoopCore::stop_now() {
  each([](Connection& connection) { confine(connection, [&] { connection.stop_now(); }); });
}

// The server was stopped before its loops ran. Closes the connections that were begun already.
void LoopCore::end_unrun() {
  release_owner();
  begin_stop();
  for (;; wait()) {
    update_scheduled();
    reap();
    if (connections_.size() == 0) return end();
  }
}

// All connections have closed. Tasks that were posted before this still run; then the task queue
// refuses new ones.
void LoopCore::end() {
  stopping_ = true;
  run_all(tasks_->close());
  timers_->clear();
  watches_->stop();
  if (started_ && index_ != acceptor && server_.events().loop_stopped)
    invoke([this] { server_.events().loop_stopped(*this); });
  context_.reset();
  acceptor_.close();
  datagrams_.close();
  driver_.reset();
  tasks_->drop_waker();
  publish_gauges();
  release_owner();
}

}}}  // namespace evio::v0::detail
