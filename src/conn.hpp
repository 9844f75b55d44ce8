// A stream connection: its state, and what becomes of each event. See the table in
// docs/architecture.md.
#pragma once

#include <cstdint>
#include <deque>
#include <evio/attributes.hpp>
#include <evio/conn.hpp>
#include <evio/error.hpp>
#include <evio/input.hpp>
#include <evio/stats.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/driver.hpp"
#include "connector.hpp"
#include "output.hpp"
#include "reconnector.hpp"
#include "service.hpp"
#include "stamp.hpp"
#include "stored_input.hpp"
#include "timer_wheel.hpp"

namespace evio { inline namespace v0 { namespace detail {

class LoopCore;

// What a connection to a udp address sends through.
struct DatagramEnd {
  std::optional<UdpSocketId> socket;  // once it is connected
  std::vector<std::string> early;     // what is to be sent then
  std::size_t early_size = 0;
};

// Of one that we made.
struct Outgoing {
  std::shared_ptr<const Events> events;
  std::unique_ptr<Connector> connector;      // while it is being made
  std::unique_ptr<DatagramEnd> datagrams;    // if it exchanges datagrams
  std::shared_ptr<Reconnector> reconnector;  // if another is to follow it
  NativeSocket adopted;                      // until the loop has started
};

// Who is told when what they sent has left.
struct Completions {
  struct One {
    std::uint64_t end;  // of its bytes, in the stream counted from when this was made
    Callback<void(std::error_code)> done;
  };
  std::size_t held() const noexcept { return waiting.size() * sizeof(One); }
  std::uint64_t taken = 0;  // by the kernel since then
  std::deque<One> waiting;  // in order
};

// What most connections never need; made when first asked for.
struct ConnExtra {
  std::shared_ptr<HandleBlock> handle;
  TimerGroup timers;       // the user's, and the deadline
  Timer deadline;          // idle while open, drain while output is pending, linger afterwards
  std::error_code reason;  // why it closes, the first that was recorded
  std::optional<Duration> idle_timeout;     // set for this connection alone
  std::optional<bool> read_when_congested;  // likewise
  std::unique_ptr<Address> peer;            // where it is more than an IP address and a port
  std::size_t min_progress_left = 0;  // output that must leave before the next look at its pace
  Duration pace_began{};              // when that was said
  std::size_t held = 0;               // memory of those above us, as they say
  std::unique_ptr<Attributes> values;
  std::unique_ptr<Completions> completions;
  std::unique_ptr<Outgoing> outgoing;
};

// About 80 bytes while idle: an idle connection owns no buffer.
class Connection final : public Conn {
 public:
  Connection(LoopCore& loop, const Address& peer, std::uint16_t address_index, std::uint64_t id);

  // One of our own making, with a peer to be reached.
  Connection(LoopCore& loop, std::shared_ptr<const Events> events, const Address& to,
             std::uint64_t id);
  ~Connection();

  // From the loop, on the driver's behalf.
  void begin(StreamId stream);
  // One of our own making: its place in the table, and then how it is made.
  void set_stream(StreamId stream) noexcept { stream_ = stream; }
  void use_handle(std::shared_ptr<HandleBlock> handle);
  void connect(std::shared_ptr<Reconnector> reconnector);
  void make();  // once the loop has started
  void adopt(NativeSocket socket, std::string_view received);
  void resolved(const Resolved& found);
  void connected(NativeSocket socket, const Address& peer);
  void connect_failed(std::error_code error) { fail(error, CloseMode::orderly); }

  void received(std::string_view bytes);
  void datagram_received(std::string_view bytes);
  void datagram_refused(std::error_code error);
  void end_received();
  void sent(std::size_t count);
  void on_detached(NativeSocket socket);
  void on_closed(std::error_code error);

  // From the loop. update() runs what was noted: a connection in the loop's list of touched ones.
  void update();
  bool wants_flush() const noexcept { return output_ && !flags_.sending; }
  void flush();
  // The server drains or stops: told once.
  void announce_end();
  void stop();
  void stop_now();
  void reading_may_have_changed();
  // How much is left of the idle timeout that it shares with others; none: it looks after itself.
  std::optional<Duration> look_if_idle();
  void age_stamp(Duration before, Duration now) noexcept { activity_.age(before, now); }
  void run(const Callback<void(Conn&)>& callback);
  void wake();
  // What was on its way to it has arrived, or was dropped: congestion may be over.
  void update_congestion() noexcept;
  void overflow() { fail(Errc::output_overflow, CloseMode::abort); }
  // There is no memory for what it needs: it ends.
  void starve() noexcept;
  // What left a handler of it, or what acts for one.
  void on_exception(const std::exception_ptr& exception);

  // What Conn offers.
  template <class Append>
  WriteResult append(std::size_t size, Append&& append);
  WriteResult write(std::initializer_list<std::string_view> pieces);
  WriteResult write(SharedBytes bytes);
  void write(SharedBytes bytes, Callback<void(std::error_code)> done);
  void close();
  void abort();
  void shutdown_write();
  void pause();
  void resume();
  bool is_open() const noexcept { return phase_ == Phase::open || phase_ == Phase::connecting; }
  Timer run_after(Duration delay, Callback<void(Conn&)> fn);
  Timer set_deadline(Duration delay, Callback<void(Conn&)> fn);
  Address remote() const;
  Address local() const;
  int address_index() const noexcept { return flags_.outgoing ? -1 : address_index_; }
  std::size_t pending_output() const noexcept;
  Duration since_activity() const noexcept;
  const Limits& limits() const noexcept { return events().limits; }
  void set_held(std::size_t bytes);
  void set(const Options& options);
  const std::shared_ptr<HandleBlock>& handle_block();
  LoopCore& loop() const noexcept { return loop_; }
  std::uint64_t id() const noexcept { return id_; }
  NativeSocket native() const;
  Context& context() noexcept { return context_; }
  Attributes& values();
  std::size_t pending_input() const noexcept { return input_ ? input_->size() : 0; }
  const Address::Ip& peer_ip() const noexcept { return peer_ip_; }

  StreamId stream() const noexcept { return stream_; }
  bool finished() const noexcept { return phase_ == Phase::finished; }

  // The loop's mark: it stands in the list of touched connections.
  bool scheduled() const noexcept { return flags_.scheduled; }
  void set_scheduled(bool scheduled) noexcept { flags_.scheduled = scheduled; }

 private:
  enum class Phase : std::uint8_t {
    connecting,
    open,
    draining,
    lingering,
    detaching,
    closing,
    finished
  };

  struct Flags {
    bool paused : 1;           // by the user
    bool congested : 1;        // output went above high and is not below low yet
    bool receiving : 1;        // what the driver was told
    bool redeliver_input : 1;  // reading restarts: untaken input is to be shown once
    bool drained_pending : 1;  // `drained` is to run
    bool eof_pending : 1;      // the peer ended; not shown yet
    bool ended : 1;            // the peer ended, and it was shown or is of no interest any more
    bool write_shut : 1;       // shutdown_write was asked for
    bool fin_sent : 1;
    bool sending : 1;  // a send is in flight
    bool detach_asked : 1;
    bool scheduled : 1;
    bool outgoing : 1;          // we made it: no listener, and a service of its own
    bool attached : 1;          // the driver has it, as a stream
    bool received_any : 1;      // bytes have come
    bool pace_check_armed : 1;  // a look at how fast output leaves is due
  };

  const Events& events() const noexcept;
  ConnExtra& extra();
  Duration idle_timeout() const noexcept;
  Duration idle_time_left() noexcept;
  void watch_idle(Duration left);
  void idle_deadline_passed();
  bool shares_idle_timeout() const noexcept {
    return !flags_.outgoing && !(extra_ && extra_->idle_timeout);
  }
  bool read_when_congested() const noexcept;

  bool listening() const noexcept;
  bool reading_wanted() const noexcept;
  bool has_input() const noexcept { return input_ != nullptr; }
  bool holds_nothing() const noexcept {
    return !input_ && !output_ && !(extra_ && extra_->held > 0);
  }
  bool work_left() const noexcept;
  void update_receiving();

  template <class Fn>
  Action call(Fn&& handler);
  void set_uninherited_options();
  std::error_code set_in_kernel(const Options& options);
  void after_handler(Action action);
  void apply(Action action);
  void schedule_update();

  Action call_data(Input& in);
  void run_data(std::string_view bytes, bool woken = false);
  std::size_t deliver_messages(Input& in, bool woken);
  void deliver_drained();
  void deliver_eof();
  void append_piece(Output& output, std::string_view bytes) const;
  WriteResult append_message(std::string_view message, const SharedBytes* owner = nullptr);
  WriteResult append_message(std::initializer_list<std::string_view> pieces);
  bool is_borrowed(std::string_view bytes) const noexcept;
  void store_input(std::string_view bytes);
  void store_rest(std::size_t size) noexcept;
  void clear_input() noexcept;

  std::size_t send_at_once(std::string_view bytes);
  void on_sent(std::size_t count);
  void complete(std::error_code error);
  void count_sent(std::size_t count) noexcept;
  void release_output() noexcept;
  void publish_pending() noexcept;

  // It is no stream: what is written is sent at once, as datagrams.
  bool exchanges_datagrams() const noexcept {
    return flags_.outgoing && extra_->outgoing->datagrams;
  }
  std::size_t queued_output() const noexcept;
  DatagramEnd& datagram_end() const noexcept { return *extra_->outgoing->datagrams; }
  WriteResult send_datagram(std::initializer_list<std::string_view> pieces);
  WriteResult send_early(std::string_view bytes);
  void begin_datagrams(NativeSocket socket);

  void progress_draining();
  void progress_detaching();
  void start_closing(CloseMode mode);
  void fail(std::error_code reason, CloseMode mode);
  std::error_code close_reason(std::error_code error) const noexcept;
  void trace_end(std::error_code why) noexcept;
  void retire_handle() noexcept;
  void finish(CloseReason ending) noexcept;
  void notify_reconnector();

  void opened();
  void note_activity() noexcept;
  void arm_deadline(Duration delay);
  void deadline_passed();
  void await_first_bytes();
  void start_pace_check();
  void arm_pace_check(Duration time);
  void check_pace();

  // In this order they take 80 bytes.
  Phase phase_ = Phase::open;
  Flags flags_{};
  StreamId stream_{};
  LoopCore& loop_;
  Context context_;
  std::unique_ptr<ConnExtra> extra_;
  Output* output_ = nullptr;            // the pool's; null while nothing is pending
  std::unique_ptr<StoredInput> input_;  // null while nothing is untaken
  std::uint64_t id_ : 61;               // 13 bits of it count the loops
  bool drain_told_ : 1 = false;         // `draining` was called, or was not wanted
  bool handler_failed_ : 1 =
      false;                  // before there was another reason to close: noted without memory
  bool starved_ : 1 = false;  // likewise
  Address::Ip peer_ip_;
  std::uint16_t peer_port_;
  std::uint16_t address_index_;
  Stamp activity_;  // when a byte last moved
};

static_assert(sizeof(void*) != 8 || sizeof(Connection) == 80, "what an idle connection costs");

}}}  // namespace evio::v0::detail
