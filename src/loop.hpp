// One event loop: it calls handlers for the events of its driver, its task queue and its timers.
//
// One iteration (run_once) does this, in order:
//
// 1. waits in Driver::poll, whose up calls run handlers;
// 2. runs the tasks that other threads have posted;
// 3. runs the timers that are due;
// 4. updates the scheduled connections: flushes output, calls pending handlers, adjusts reading;
// 5. publishes counters and frees the connections that have closed.
#pragma once

#include <atomic>
#include <cstdint>
#include <evio/binding.hpp>
#include <evio/loop.hpp>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "acceptor.hpp"
#include "backend/driver.hpp"
#include "backend/platform.hpp"
#include "conn.hpp"
#include "connector.hpp"
#include "counters.hpp"
#include "datagram.hpp"
#include "idle_watch.hpp"
#include "output.hpp"
#include "owner_thread.hpp"
#include "slab.hpp"
#include "stalls.hpp"
#include "stamp.hpp"
#include "task_queue.hpp"
#include "timer_wheel.hpp"
#include "watches.hpp"

namespace evio { inline namespace v0 { namespace detail {

class ServerCore;

// Owns the connections, listeners, sockets and timers of one thread. All members are for the loop's
// own thread, except those under "Any thread".
class LoopCore final : public Loop, public Runner, private Sink {
 public:
  // `index` is the loop's index in the server, or `acceptor`: the loop that only accepts, and calls
  // no handlers of connections.
  static constexpr int acceptor = -1;
  LoopCore(ServerCore& server, int index);
  ~LoopCore();

  // Makes the driver and the waker. Called before the loop runs.
  void prepare();
  const std::string& thread_name() const noexcept override { return thread_name_; }
  bool run_once() override;
  // As run_once, but called by a foreign loop: waits at most `timeout`, then runs iterations until
  // nothing is left to do, so that pollable() becomes readable for the next event.
  bool poll_once(Duration timeout);
  // A descriptor that is readable when poll_once has something to do; -1 if there is none.
  NativeSocket pollable() { return driver_->pollable(); }
  // The time until the next timer, which pollable() does not report.
  Duration time_to_next() const;
  // Ends the loop: the last call. end_unrun() ends one whose run_once was never called.
  void end();
  void end_unrun();
  // Valid once the loop was prepared.
  bool ended() const noexcept { return !driver_; }

  // The loop's own thread.

  // Will call look_if_idle() of the connection when `left` has nearly passed. `timeout` is the idle
  // timeout that all connections accepted at this address share.
  void watch_idle(const Connection& connection, int address_index, Duration timeout, Duration left);
  int index() const noexcept { return index_; }
  ServerCore& server() const noexcept { return server_; }
  Driver& driver() noexcept { return *driver_; }
  TimerWheel& timers() noexcept { return *timers_; }
  Watches& watches() noexcept { return *watches_; }
  OutputPool& pool() noexcept { return pool_; }
  Counters& counters() noexcept { return counters_; }
  // Any thread.
  void add_to(Stats& stats) const noexcept {
    counters_.add_to(stats);
    stats.memory += tasks_->held();
  }
  Context& context() noexcept { return context_; }
  const OwnerThread& owner() const noexcept { return owner_; }
  Acceptor& accepting() noexcept { return acceptor_; }
  // The time at which this batch began. Cached, so that handlers need no system call for it.
  Duration now() const noexcept { return now_; }
  // now() in the compact form that a connection stores.
  Stamp stamp() const noexcept { return stamp_; }
  // The time since `time` that a deadline may charge to a peer. Stalls of this loop do not count: a
  // slow batch delays the handling of the peer's bytes, which is not the peer's fault. So it counts
  // from the end of a slow batch, and until the last complete poll while deadlines are judged.
  Duration elapsed_since(Duration time) const noexcept {
    return std::max(as_of_ - stalls_.counted_from(time), Duration::zero());
  }
  Duration elapsed_since(Stamp stamp) const noexcept { return elapsed_since(stamp.time(now_)); }
  const Stalls& stalls() const noexcept { return stalls_; }
  // True as soon as the server was asked to stop, although the loop begins to stop a little later.
  bool stopping() const noexcept;
  // Outgoing connections begin only once the loop has started: the process may fork before that,
  // and a child must not share their sockets.
  bool started() const noexcept { return started_; }
  // The loop runs but has not got its sockets yet. It never gets them if a stop was requested.
  bool starting() const noexcept { return !sockets_taken_ && !stopping_; }
  bool draining() const noexcept { return draining_; }
  bool under_pressure() const noexcept { return pressure_; }

  // Takes an accepted socket over and makes a connection for it.
  void adopt(NativeSocket socket, const Address& peer, int address_index);
  // Begins an outgoing connection; null once stopping. `handle`, if any, was given to the caller
  // already. `reconnector`, if any, is notified when the connection opens and ends.
  Connection* connect(const Binding& to, std::uint64_t id,
                      std::shared_ptr<HandleBlock> handle = nullptr,
                      std::shared_ptr<Reconnector> reconnector = nullptr);
  Connection* adopt(Socket&& socket, const Binding& as);
  std::uint64_t next_id() noexcept { return next_id_++; }
  // Attempts to connect have ids of their own, as one connection may make several at a time.
  ConnectId register_connect(Connector& connector) {
    return static_cast<ConnectId>(connects_.make(&connector));
  }
  void forget_connect(ConnectId id) noexcept { connects_.destroy(static_cast<std::uint32_t>(id)); }
  Connection* find(StreamId stream, std::uint64_t id) noexcept;
  template <class Fn>
  void each(Fn&& fn) {
    connections_.for_each(fn);
  }
  // Calls fn for each open connection, as if posted to each: an exception from fn closes only the
  // connection that it was called for.
  void run_each(const Callback<void(Conn&)>& fn);
  Datagrams& datagrams() noexcept { return datagrams_; }
  // Reports that the memory of stored input grew or shrank by `bytes`, for Limits::memory_max.
  void hold(std::ptrdiff_t bytes) noexcept { held_input_ += static_cast<std::size_t>(bytes); }

  // The connection whose handler runs, and the input bytes that it may read. These bytes are
  // borrowed from the driver: they are valid until the handler returns.
  Connection* current_connection = nullptr;
  std::string_view borrowed_input;
  bool is_borrowed(std::string_view bytes) const noexcept {
    return bytes.data() >= borrowed_input.data() &&
           bytes.data() < borrowed_input.data() + borrowed_input.size();
  }

  // A timer of the user's. arm_deadline is for one that judges a peer: see TimerWheel.
  Timer arm(Duration delay, Callback<void()> fn, Duration period = {});
  Timer arm_deadline(Duration delay, Callback<void()> fn);
  // Schedules update() of the connection before the loop waits again.
  void schedule(Connection& connection);
  // Group commit: while true, output is not flushed, as Events::pre_write must run before it.
  bool deferring_flush() const noexcept { return defer_flush_ && !committing_; }
  // The connection has closed. Its memory is freed at the end of the iteration, because callers on
  // the stack may still use it.
  void retire(Connection& connection, CloseReason ending);

  // Runs fn on behalf of one connection: if it throws std::bad_alloc, only this connection ends.
  template <class Fn>
  static void confine(Connection& connection, Fn&& fn);
  // Calls a handler that belongs to no connection. An exception goes to on_handler_exception.
  template <class Fn>
  void invoke(Fn&& fn);
  // Passes an exception that left a handler to Events::failed. If that is not set: an exception of
  // a connection's handler is reported to stderr, and the caller closes the connection. One that
  // belongs to no connection (null) stops the server, and Server::run throws it.
  void on_handler_exception(Conn* connection, const std::exception_ptr& exception) noexcept;
  // If Events::trace is set, calls it with a Trace that `fill(Trace&)` has completed. Exceptions of
  // either are dropped: tracing must not change what a server does.
  template <class Fill>
  void trace(Trace::What what, Fill&& fill) noexcept;

  void begin_accepting();
  void begin_draining();
  void begin_stop();
  void stop_now();

  // Any thread.

  // The shared state has changed: whether memory is short, or whether a service has room for more
  // connections. The loop reevaluates both.
  void notify_reevaluate() noexcept;
  const std::shared_ptr<TaskQueue>& tasks() const noexcept { return tasks_; }
  bool post_task(TaskPointer task) { return tasks_->push(std::move(task)); }

 private:
  void on_woken() override;
  void on_accepted(ListenerId listener, NativeSocket socket, const Address& peer) override;
  void on_accept_stopped(ListenerId listener, std::error_code error) override;
  void on_connected(ConnectId id, NativeSocket socket) override;
  void on_connect_failed(ConnectId id, std::error_code error) override;
  void on_received(StreamId stream, std::string_view bytes) override;
  void on_end_of_stream(StreamId stream) override;
  void on_sent(StreamId stream, std::size_t count) override;
  void on_datagram(UdpSocketId socket, const Datagram& datagram) override;
  void on_datagram_refused(UdpSocketId socket, std::error_code error) override;
  void on_datagrams_sent(const DatagramTally& tally) override;
  void on_ready(WatchId name, Interest ready) override;
  void on_detached(StreamId stream, NativeSocket socket) override;
  void on_closed(StreamId stream, std::error_code error) override;

  Connection& make_outgoing(const Binding& to, const Address& peer, std::uint64_t id);
  Connection& connection(StreamId stream) noexcept {
    return connections_[static_cast<std::uint32_t>(stream)];
  }
  bool traced() const noexcept;
  void call_trace(const Trace& trace) const;
  void report(Conn& connection, std::string_view what) noexcept;
  void release_owner() noexcept;
  void read_clock();
  void age_stamps(Duration before);
  void end_batch(Duration at) noexcept;
  void start();
  bool wait();
  PollResult poll(Duration deadline);
  bool spin();
  bool run_tasks();
  void run_all(Task* task);
  bool run_timers();
  void update_scheduled();
  void commit();
  void reevaluate();
  void update_pressure();
  std::size_t held() const noexcept { return pool_.held + held_input_; }
  void publish_gauges();
  void publish_held();
  void make_room_in_lists();
  void reap();

  // A member of the loop, so that sending it allocates nothing: it also reports a lack of memory.
  struct ReevaluateTask final : Task {
    void run_on(LoopCore& loop) override;
    void done() noexcept override {}

    std::atomic<bool> sent{false};
  };

  ServerCore& server_;
  OwnerThread owner_;
  const int index_;
  const std::string thread_name_;
  ReevaluateTask reevaluate_task_;
  const std::shared_ptr<TaskQueue> tasks_;
  std::unique_ptr<Driver> driver_;
  std::shared_ptr<TimerWheel> timers_;
  const std::shared_ptr<Watches> watches_ = std::make_shared<Watches>();
  OutputPool pool_;
  Slab<Connector*> connects_;
  Slab<Connection> connections_;
  Acceptor acceptor_;
  Datagrams datagrams_;
  std::vector<std::unique_ptr<IdleWatch>> idle_watches_;  // by address index
  Context context_;
  Counters counters_;

  // Connections whose update() is due. update_scheduled() swaps the two lists, so that neither
  // allocates in steady state.
  std::vector<Connection*> scheduled_, updating_;
  std::vector<Connection*> closed_;
  std::uint64_t next_id_;

  // Memory accounting for Limits::memory_max. Each loop publishes its total to the server when it
  // exceeds publish_above_ or has changed at the end of a batch, not with every byte: the server's
  // total is shared by all threads.
  std::size_t held_input_ = 0;  // bytes of stored input
  std::size_t published_held_ = 0;
  std::size_t publish_above_ = SIZE_MAX;
  std::size_t held_step_ = 0;  // publish_above_ - published_held_; 0: memory_max is not set

  Duration now_{};
  Stamp stamp_;      // of now_
  Duration aged_{};  // when the stamps of connections were last aged
  // A look is a sequence of polls of which all but the last are partial. When it is complete, all
  // events that had arrived at its start have been handled, and looked_ becomes that time.
  Duration look_began_{}, looked_{};
  Duration as_of_{};  // now_; while deadlines are judged: looked_
  bool looking_ = false;
  Stalls stalls_;
  Duration batch_began_{};
  Duration slept_at_{};  // when the last sleep began
  Duration spin_{};      // how long to poll without sleeping; adapts to the traffic
  bool defer_flush_ = false;
  bool committing_ = false;
  bool started_ = false;
  bool sockets_taken_ = false;
  bool draining_ = false;
  bool stopping_ = false;
  bool pressure_ = false;
  bool busy_ = false;      // the last poll delivered something
  bool in_batch_ = false;  // the last poll has returned, and the next one has not begun
  bool idle_ = false;      // the last iteration found nothing to do
  Duration timeout_ = Duration::max();  // how long an iteration may wait
};

template <class Fill>
void LoopCore::trace(Trace::What what, Fill&& fill) noexcept {
  if (!traced()) return;
  try {
    Trace trace{.what = what, .loop = index_};
    fill(trace);
    call_trace(trace);
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

template <class Fn>
void LoopCore::confine(Connection& connection, Fn&& fn) {
  try {
    fn();
  } catch (const std::bad_alloc&) {
    connection.loop().current_connection = nullptr;
    connection.loop().borrowed_input = {};
    connection.starve();
  }
}

template <class Fn>
void LoopCore::invoke(Fn&& fn) {
  try {
    fn();
  } catch (...) {
    on_handler_exception(nullptr, std::current_exception());
  }
}

}}}  // namespace evio::v0::detail
