// One event loop: turns what its driver, its mailbox and its timers bring into handler
// calls.
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

class LoopCore final : public Loop, public Runner, private Sink {
 public:
  // `index`: of the server's loops, or `acceptor`: the loop that only accepts, and runs no handler
  // of connections.
  static constexpr int acceptor = -1;
  LoopCore(ServerCore& server, int index);
  ~LoopCore();

  // Before the loop runs: what it waits with.
  void prepare();
  const std::string& thread_name() const noexcept override { return thread_name_; }
  bool run_once() override;
  // The same from a foreign loop: waits at most `patience`, and then does all there is to do, so
  // that pollable() tells of what comes next.
  bool poll_once(Duration timeout);
  // Readable when poll_once has something to do; -1 if there is no such descriptor.
  NativeSocket pollable() { return driver_->pollable(); }
  // How long until there is something to do that pollable() does not tell.
  Duration time_to_next() const;
  // The last call; of a loop that is not to run: the only one.
  void end();
  void end_unrun();
  bool ended() const noexcept { return !driver_; }  // once it was prepared

  // Its own thread.
  // Will ask it, when `left` has nearly passed, how long nothing moved; for those accepted at this
  // address.
  void watch_idle(const Connection& connection, int address_index, Duration timeout, Duration left);
  int index() const noexcept { return index_; }
  ServerCore& server() const noexcept { return server_; }
  Driver& driver() noexcept { return *driver_; }
  TimerWheel& timers() noexcept { return *timers_; }
  Watches& watches() noexcept { return *watches_; }
  OutputPool& pool() noexcept { return pool_; }
  Counters& counters() noexcept { return counters_; }
  void add_to(Stats& stats) const noexcept {  // any thread
    counters_.add_to(stats);
    stats.memory += tasks_->held();
  }
  Context& context() noexcept { return context_; }
  const OwnerThread& owner() const noexcept { return owner_; }
  Acceptor& accepting() noexcept { return acceptor_; }
  Duration now() const noexcept { return now_; }
  Stamp stamp() const noexcept { return stamp_; }  // the same, to be kept
  // How long ago that was, as a deadline that judges a peer counts it: from the end of its batch,
  // if that was long, and until the look that it is judged by.
  Duration elapsed_since(Duration time) const noexcept {
    return std::max(as_of_ - stalls_.counted_from(time), Duration::zero());
  }
  Duration elapsed_since(Stamp stamp) const noexcept { return elapsed_since(stamp.time(now_)); }
  const Stalls& stalls() const noexcept { return stalls_; }
  // From the moment that the server is asked to, although the loop itself begins a little later.
  bool stopping() const noexcept;
  // Connections of our own making begin with it: not before, for a fork may come between.
  bool started() const noexcept { return started_; }
  // The loop runs, and has not got its sockets yet (and never will, once a stop is asked for).
  bool starting() const noexcept { return !sockets_taken_ && !stopping_; }
  bool draining() const noexcept { return draining_; }
  bool under_pressure() const noexcept { return pressure_; }

  // Takes a connected socket over.
  void adopt(NativeSocket socket, const Address& peer, int address_index);
  // Begins to make a connection; null once stopping. `handle`: given out for it already.
  // `keeper`: to be told how it fares.
  Connection* connect(const Binding& to, std::uint64_t id,
                      std::shared_ptr<HandleBlock> handle = nullptr,
                      std::shared_ptr<Reconnector> reconnector = nullptr);
  Connection* adopt(Socket&& socket, const Binding& as);
  std::uint64_t next_id() noexcept { return next_id_++; }
  // Attempts to connect have names of their own.
  ConnectId register_connect(Connector& connector) {
    return static_cast<ConnectId>(connects_.make(&connector));
  }
  void forget_connect(ConnectId id) noexcept { connects_.destroy(static_cast<std::uint32_t>(id)); }
  Connection* find(StreamId stream, std::uint64_t id) noexcept;
  template <class Fn>
  void each(Fn&& fn) {
    connections_.for_each(fn);
  }
  // As each connection's own post: what one throws concerns that one alone.
  void run_each(const Callback<void(Conn&)>& fn);
  Datagrams& datagrams() noexcept { return datagrams_; }
  // Untaken input grew or shrank.
  void hold(std::ptrdiff_t bytes) noexcept { held_input_ += static_cast<std::size_t>(bytes); }

  // The connection whose handler runs, and the bytes lent to it.
  Connection* current_connection = nullptr;
  std::string_view borrowed_input;
  bool is_borrowed(std::string_view bytes) const noexcept {
    return bytes.data() >= borrowed_input.data() &&
           bytes.data() < borrowed_input.data() + borrowed_input.size();
  }

  // A timer of the user's, and a deadline of his that judges a peer.
  Timer arm(Duration delay, Callback<void()> fn, Duration period = {});
  Timer arm_deadline(Duration delay, Callback<void()> fn);
  // Puts it in the list of those to be looked at before the loop waits again.
  void schedule(Connection& connection);
  // Group commit: output waits for pre_write.
  bool deferring_flush() const noexcept { return defer_flush_ && !committing_; }
  // It is gone; its memory goes at the end of the turn.
  void retire(Connection& connection, CloseReason ending);

  // Runs what concerns one connection: memory that cannot be had for it ends that connection only.
  template <class Fn>
  static void confine(Connection& connection, Fn&& fn);
  // Calls a handler that concerns no connection; what it throws goes where it belongs.
  template <class Fn>
  void invoke(Fn&& fn);
  // What left a handler goes to `failed`. Unset: it is reported where a connection is concerned,
  // which closes; if none is (null), it ends the server.
  void on_handler_exception(Conn* connection, const std::exception_ptr& exception) noexcept;
  // Calls Events::trace, if it is set, with what `fill(Trace&)` adds. What that throws, or the
  // handler, is dropped.
  template <class Fill>
  void trace(Trace::What what, Fill&& fill) noexcept;

  void begin_accepting();
  void begin_draining();
  void begin_stop();
  void stop_now();

  // Any thread.
  // What all loops share has changed: whether there is memory, or room for more connections.
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

  // Part of the loop, so that it needs no memory when it is sent.
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
  std::vector<std::unique_ptr<IdleWatch>> idle_watches_;  // by address
  Context context_;
  Counters counters_;

  std::vector<Connection*> scheduled_,
      updating_;  // swapped, so that neither allocates in steady state
  std::vector<Connection*> closed_;
  std::uint64_t next_id_;
  std::size_t held_input_ = 0;            // bytes of untaken input
  std::size_t published_held_ = 0;        // what the server was told that this loop holds
  std::size_t publish_above_ = SIZE_MAX;  // so much is told at once
  std::size_t held_step_ = 0;  // how far that is above what was told; 0: nobody wants to know
  Duration now_{};
  Stamp stamp_;                       // of now_
  Duration aged_{};                   // when the stamps of connections were last aged
  Duration look_began_{}, looked_{};  // all that had arrived until looked_ was handled
  Duration as_of_{};                  // now_; while deadlines are judged, looked_
  bool looking_ = false;              // by polls that found more than they could tell
  Stalls stalls_;
  Duration batch_began_{};
  Duration slept_at_{};  // when the last sleep began
  Duration spin_{};      // how long to look for more before sleeping; adapts
  bool defer_flush_ = false;
  bool committing_ = false;
  bool started_ = false;
  bool sockets_taken_ = false;
  bool draining_ = false;
  bool stopping_ = false;
  bool pressure_ = false;
  bool busy_ = false;                   // the last poll brought something
  bool in_batch_ = false;               // came back from the kernel, and has not asked it again yet
  bool idle_ = false;                   // the last turn found nothing to do
  Duration timeout_ = Duration::max();  // how long a turn may wait
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
