// A stream connection: its state, and what each event does to it. The table of states is in
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

// The state of a connection to a udp address.
struct DatagramEnd {
  std::optional<UdpSocketId> socket;  // set once it is connected
  std::vector<std::string> early;     // datagrams written before that
  std::size_t early_size = 0;
};

// The additional state of an outgoing connection.
struct Outgoing {
  std::shared_ptr<const Events> events;
  std::unique_ptr<Connector> connector;      // while it connects
  std::unique_ptr<DatagramEnd> datagrams;    // for a udp address
  std::shared_ptr<Reconnector> reconnector;  // if it belongs to a Reconnecting
  NativeSocket adopted;                      // a socket to be opened once the loop has started
};

// The callbacks of write() that wait until their bytes were sent.
struct Completions {
  struct One {
    // The position of the end of its bytes in the output, counted since this object was made.
    std::uint64_t end;
    Callback<void(std::error_code)> done;
  };
  std::size_t held() const noexcept { return waiting.size() * sizeof(One); }
  std::uint64_t taken = 0;  // bytes that the kernel has accepted since this object was made
  std::deque<One> waiting;  // in order
};

// State that most connections never need. It is allocated when first used, so that an idle
// connection takes 80 bytes only.
struct ConnExtra {
  std::shared_ptr<HandleBlock> handle;
  TimerGroup timers;                        // the user's timers, and `deadline`
  std::optional<bool> read_when_congested;  // overrides the service's option; fills a gap here
  // Connecting: the connect timeout. Open: the idle timeout. Draining: the drain timeout.
  // Lingering: the linger timeout.
  Timer deadline;
  std::error_code reason;                // why it closes: the first reason that was recorded
  std::optional<Duration> idle_timeout;  // overrides the service's option
  std::unique_ptr<Address> peer;      // if the peer's address is more than an IP address and a port
  std::size_t min_progress_left = 0;  // bytes that must be sent before the next pace check
  Duration pace_began{};              // when the pace check was armed
  std::size_t held = 0;               // memory that the user reported by Conn::set_held
  std::unique_ptr<Attributes> values;
  std::unique_ptr<Completions> completions;
  std::unique_ptr<Outgoing> outgoing;
};

// One connection, accepted or outgoing. It takes 80 bytes while idle: it owns no buffer then.
//
// The functions called for events change the state and note what follows from it in flags. update()
// then acts on these flags, in one place and in a fixed order. This way a handler may call any
// function at any time, also of its own connection, without recursion into other handlers.
class Connection final : public Conn {
 public:
  Connection(LoopCore& loop, const Address& peer, std::uint16_t address_index, std::uint64_t id);

  // An outgoing connection to `to`.
  Connection(LoopCore& loop, std::shared_ptr<const Events> events, const Address& to,
             std::uint64_t id);
  ~Connection();

  // An accepted connection begins.
  void begin(StreamId stream);

  // An outgoing connection begins: first its index in the loop's table, then how it is made.
  void set_stream(StreamId stream) noexcept { stream_ = stream; }
  void use_handle(std::shared_ptr<HandleBlock> handle);
  void connect(std::shared_ptr<Reconnector> reconnector);
  void make();  // called once the loop has started
  void adopt(NativeSocket socket, std::string_view received);
  void resolved(const Resolved& found);
  void connected(NativeSocket socket, const Address& peer);
  void connect_failed(std::error_code error) { fail(error, CloseMode::orderly); }

  // The driver's events, passed on by the loop.
  void received(std::string_view bytes);
  void datagram_received(std::string_view bytes);
  void datagram_refused(std::error_code error);
  void end_received();
  void sent(std::size_t count);
  void on_detached(NativeSocket socket);
  void on_closed(std::error_code error);

  // Acts on everything that was noted in flags. The loop calls it for scheduled connections.
  void update();
  bool wants_flush() const noexcept { return output_ && !flags_.sending; }
  // Sends pending output as far as the kernel accepts it.
  void flush();
  // The server drains or stops: calls Events::draining, once.
  void announce_end();
  void stop();
  void stop_now();
  // Memory pressure has begun or ended.
  void reading_may_have_changed();
  // Returns how much is left of the idle timeout, for IdleWatch to ask again after that time. None
  // if IdleWatch need not ask again: the connection has a timer of its own, or is closing.
  std::optional<Duration> look_if_idle();
  void age_stamp(Duration before, Duration now) noexcept { activity_.age(before, now); }
  void run(const Callback<void(Conn&)>& callback);
  // Calls `data` with the stored input, even if there is none.
  void wake();
  // Pending output has shrunk: ends the congestion if it is below Limits::output_low.
  void update_congestion() noexcept;
  // Output has exceeded Limits::output_max.
  void overflow() { fail(Errc::output_overflow, CloseMode::abort); }
  // An allocation for this connection failed: it ends. Needs no memory itself.
  void starve() noexcept;
  // An exception left a handler, or a codec, of this connection.
  void on_exception(const std::exception_ptr& exception);

  // The functions of the public Conn: see evio/conn.hpp.
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

  // Whether it is in the loop's list of scheduled connections.
  bool scheduled() const noexcept { return flags_.scheduled; }
  void set_scheduled(bool scheduled) noexcept { flags_.scheduled = scheduled; }

 private:
  enum class Phase : std::uint8_t {
    connecting,  // outgoing, and not connected yet
    open,        // handlers are called
    draining,    // closing was requested; pending output is sent first
    lingering,   // all output and FIN were sent; waits for the peer's end
    detaching,   // Action::detach: pending output is sent before the socket is given away
    closing,     // the driver was asked to close; waits for on_closed
    finished     // `closed` was called; the loop frees it soon
  };

  struct Flags {
    bool paused : 1;           // by the user
    bool congested : 1;        // output exceeded output_high, and is not below output_low yet
    bool receiving : 1;        // the last argument of Driver::set_receiving
    bool redeliver_input : 1;  // reading resumes: stored input must be delivered again
    bool drained_pending : 1;  // `drained` must be called
    bool eof_pending : 1;      // the peer ended, and `ended` must be called
    bool ended : 1;            // the peer ended, and `ended` was called or is not needed
    bool write_shut : 1;       // shutdown_write was called
    bool fin_sent : 1;
    bool sending : 1;  // a send is in flight
    bool detach_asked : 1;
    bool scheduled : 1;
    bool outgoing : 1;          // not accepted: extra_->outgoing is set
    bool attached : 1;          // the driver has it as a stream
    bool received_any : 1;      // bytes were received
    bool pace_check_armed : 1;  // a timer will call check_pace
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

  // Whether it is connected to a udp address: each write is then sent at once, as one datagram.
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

  // This order avoids padding: the sum is 80 bytes.
  Phase phase_ = Phase::open;
  Flags flags_{};
  StreamId stream_{};
  LoopCore& loop_;
  Context context_;
  std::unique_ptr<ConnExtra> extra_;
  Output* output_ = nullptr;            // from the loop's pool; null while nothing is pending
  std::unique_ptr<StoredInput> input_;  // null while no input is stored
  static constexpr std::uint64_t id_mask = (std::uint64_t{1} << 61) - 1;
  std::uint64_t id_ : 61;        // the upper 13 bits are the loop's index + 1
  bool drain_told_ : 1 = false;  // `draining` was called, or is not set
  // Reasons to close. They are bits here, not in extra_->reason, so that they can be recorded
  // without memory.
  bool handler_failed_ : 1 = false;
  bool starved_ : 1 = false;
  Address::Ip peer_ip_;
  std::uint16_t peer_port_;
  std::uint16_t address_index_;
  Stamp activity_;  // when a byte was last received or sent
};

// docs/scale.md states this figure; a server may have millions of idle connections.
static_assert(sizeof(void*) != 8 || sizeof(Connection) == 80, "what an idle connection costs");

}}}  // namespace evio::v0::detail
