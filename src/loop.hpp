// Private. One event loop: turns what its driver, its mailbox and its timers bring into handler calls.
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
#include "counters.hpp"
#include "datagram.hpp"
#include "dialer.hpp"
#include "idle_watch.hpp"
#include "mailbox.hpp"
#include "output.hpp"
#include "slab.hpp"
#include "stalls.hpp"
#include "stamp.hpp"
#include "timer_wheel.hpp"
#include "watches.hpp"

namespace evio::inline v1 {

class ServerCore;

class LoopCore final : public Loop, public Runner, private Sink {
 public:
  // `index`: of the server's loops, or `acceptor`: the loop that only accepts, and runs no handler of connections.
  static constexpr int acceptor = -1;
  LoopCore(ServerCore& server, int index);
  ~LoopCore();

  // Before the loop runs: what it waits with.
  void prepare();
  const std::string& thread_name() const noexcept override { return thread_name_; }
  bool turn() override;
  // The same from a foreign loop: waits at most `patience`, and then does all there is to do, so that pollable() tells
  // of what comes next.
  bool turn_within(Duration patience);
  // Readable when turn_within has something to do; -1 if there is no such descriptor.
  NativeSocket pollable() { return driver_->pollable(); }
  // How long until there is something to do that pollable() does not tell.
  Duration time_to_next() const;
  // The last call; of a loop that is not to run: the only one.
  void end();
  void end_unrun();
  bool ended() const noexcept { return !driver_; }  // once it was prepared

  // Its own thread.
  // Will ask it, when `left` has nearly passed, how long nothing moved; for those accepted at this address.
  void watch_idle(const Connection& connection, int address_index, Duration patience, Duration left);
  int index() const noexcept { return index_; }
  ServerCore& server() const noexcept { return server_; }
  Driver& driver() noexcept { return *driver_; }
  TimerWheel& timers() noexcept { return *timers_; }
  Watches& watches() noexcept { return *watches_; }
  OutputPool& pool() noexcept { return pool_; }
  Counters& counters() noexcept { return counters_; }
  void add_to(Stats& stats) const noexcept {  // any thread
    counters_.add_to(stats);
    stats.memory += mailbox_->held();
  }
  Context& context() noexcept { return context_; }
  Acceptor& accepting() noexcept { return acceptor_; }
  Duration now() const noexcept { return now_; }
  Stamp stamp() const noexcept { return stamp_; }  // the same, to be kept
  // How long ago that was, as a deadline that judges a peer counts it: from the end of its batch, if that was long, and
  // until the look that it is judged by.
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
  Connection* connect(const Binding& to, std::uint64_t id, std::shared_ptr<HandleBlock> handle = nullptr,
                      std::shared_ptr<Keeper> keeper = nullptr);
  Connection* adopt(Socket&& socket, const Binding& as);
  std::uint64_t next_id() noexcept { return next_id_++; }
  // Attempts to connect have names of their own.
  Dial name_dial(Dialer& dialer) { return static_cast<Dial>(dials_.make(&dialer)); }
  void forget_dial(Dial dial) noexcept { dials_.destroy(static_cast<std::uint32_t>(dial)); }
  Connection* find(Stream stream, std::uint64_t id) noexcept;
  template <class Fn>
  void each(Fn&& fn) {
    connections_.for_each(fn);
  }
  // As each connection's own post: what one throws concerns that one alone.
  void run_each(const Handler<void(Conn&)>& fn);
  Datagrams& datagrams() noexcept { return datagrams_; }
  // Untaken input grew or shrank.
  void hold(std::ptrdiff_t bytes) noexcept { held_input_ += static_cast<std::size_t>(bytes); }

  // The connection whose handler runs, and the bytes lent to it.
  Connection* running = nullptr;
  std::string_view lent;
  bool is_lent(std::string_view bytes) const noexcept {
    return bytes.data() >= lent.data() && bytes.data() < lent.data() + lent.size();
  }

  // A timer of the user's, and a deadline of his that judges a peer.
  Timer arm(Duration delay, Handler<void()> fn, Duration period = {});
  Timer arm_deadline(Duration delay, Handler<void()> fn);
  // Puts it in the list of those to be looked at before the loop waits again.
  void touch(Connection& connection);
  // Group commit: output waits for pre_write.
  bool gathering() const noexcept { return gather_ && !committing_; }
  // It is gone; its memory goes at the end of the turn.
  void bury(Connection& connection, Ending ending);

  // Runs what concerns one connection: memory that cannot be had for it ends that connection only.
  template <class Fn>
  static void confine(Connection& connection, Fn&& fn);
  // Calls a handler that concerns no connection; what it throws goes where it belongs.
  template <class Fn>
  void guard(Fn&& fn);
  // What left a handler goes to `failed`. Unset: it is reported where a connection is concerned, which closes; if none
  // is (null), it ends the server.
  void handler_threw(Conn* connection, const std::exception_ptr& exception) noexcept;
  // Calls Events::trace, if it is set, with what `fill(Trace&)` adds. What that throws, or the handler, is dropped.
  template <class Fill>
  void trace(Trace::What what, Fill&& fill) noexcept;

  void begin_accepting();
  void begin_draining();
  void begin_stop();
  void stop_now();

  // Any thread.
  // What all loops share has changed: whether there is memory, or room for more connections.
  void tell_to_look() noexcept;
  const std::shared_ptr<Mailbox>& mailbox() const noexcept { return mailbox_; }
  bool send_mail(MailPointer mail) { return mailbox_->push(std::move(mail)); }

 private:
  void on_woken() override;
  void on_accepted(Listener listener, NativeSocket socket, const Address& peer) override;
  void on_accept_stopped(Listener listener, std::error_code error) override;
  void on_connected(Dial dial, NativeSocket socket) override;
  void on_connect_failed(Dial dial, std::error_code error) override;
  void on_received(Stream stream, std::string_view bytes) override;
  void on_end_of_stream(Stream stream) override;
  void on_sent(Stream stream, std::size_t count) override;
  void on_datagram(DatagramSocket socket, const Datagram& datagram) override;
  void on_datagram_refused(DatagramSocket socket, std::error_code error) override;
  void on_datagrams_sent(const DatagramTally& tally) override;
  void on_ready(WatchName name, Interest ready) override;
  void on_detached(Stream stream, NativeSocket socket) override;
  void on_closed(Stream stream, std::error_code error) override;

  Connection& make_outgoing(const Binding& to, const Address& peer, std::uint64_t id);
  Connection& connection(Stream stream) noexcept { return connections_[static_cast<std::uint32_t>(stream)]; }
  bool traced() const noexcept;
  void call_trace(const Trace& trace) const;
  void report(Conn& connection, std::string_view what) noexcept;
  void read_clock();
  void age_stamps(Duration before);
  void end_batch(Duration at) noexcept;
  void start();
  bool wait();
  Polled poll(Duration deadline);
  bool spin();
  bool deliver_mail();
  void deliver(Mail* mail);
  bool run_timers();
  void settle_touched();
  void commit();
  void look();
  void update_pressure();
  std::size_t held() const noexcept { return pool_.held + held_input_; }
  void publish_gauges();
  void publish_held();
  void make_room_in_lists();
  void reap();

  // Part of the loop, so that it needs no memory when it is sent.
  struct LookMail final : Mail {
    void deliver(LoopCore& loop) override;
    void done() noexcept override {}

    std::atomic<bool> sent{false};
  };

  ServerCore& server_;
  const int index_;
  const std::string thread_name_;
  LookMail look_mail_;
  const std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<Driver> driver_;
  std::shared_ptr<TimerWheel> timers_;
  const std::shared_ptr<Watches> watches_ = std::make_shared<Watches>();
  OutputPool pool_;
  Slab<Dialer*> dials_;
  Slab<Connection> connections_;
  Acceptor acceptor_;
  Datagrams datagrams_;
  std::vector<std::unique_ptr<IdleWatch>> idle_watches_;  // by address
  Context context_;
  Counters counters_;

  std::vector<Connection*> touched_, settling_;  // swapped, so that neither allocates in steady state
  std::vector<Connection*> buried_;
  std::uint64_t next_id_;
  std::size_t held_input_ = 0;            // bytes of untaken input
  std::size_t published_held_ = 0;        // what the server was told that this loop holds
  std::size_t publish_above_ = SIZE_MAX;  // so much is told at once
  std::size_t held_step_ = 0;             // how far that is above what was told; 0: nobody wants to know
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
  bool gather_ = false;
  bool committing_ = false;
  bool started_ = false;
  bool sockets_taken_ = false;
  bool draining_ = false;
  bool stopping_ = false;
  bool pressure_ = false;
  bool busy_ = false;                    // the last poll brought something
  bool in_batch_ = false;                // came back from the kernel, and has not asked it again yet
  bool idle_ = false;                    // the last turn found nothing to do
  Duration patience_ = Duration::max();  // how long a turn may wait
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
    connection.loop().running = nullptr;
    connection.loop().lent = {};
    connection.starve();
  }
}

template <class Fn>
void LoopCore::guard(Fn&& fn) {
  try {
    fn();
  } catch (...) {
    handler_threw(nullptr, std::current_exception());
  }
}

}  // namespace evio::inline v1
