#include "conn.hpp"

#include <utility>

#include "handle_block.hpp"
#include "loop.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 { namespace detail {

Connection::Connection(LoopCore& loop, const Address& peer, std::uint16_t address_index,
                       std::uint64_t id)
    : Conn(Kind::stream),
      loop_(loop),
      id_(id & id_mask),
      peer_ip_(peer.ip()),
      peer_port_(peer.port()),
      address_index_(address_index),
      activity_(loop.stamp()) {
  if (peer.scope() != 0 || (peer.is_unix() && !peer.host().empty()))
    extra().peer = std::make_unique<Address>(peer);
}

Connection::~Connection() {
  release_output();
  if (extra_ && extra_->outgoing && extra_->outgoing->adopted.value >= 0)
    loop_.server().platform().discard(extra_->outgoing->adopted);
}

const Events& Connection::events() const noexcept {
  return flags_.outgoing ? *extra_->outgoing->events
                         : loop_.server().service(address_index_).events;
}

ConnExtra& Connection::extra() {
  if (!extra_) extra_ = std::make_unique<ConnExtra>();
  return *extra_;
}

// ---- Events of the driver

void Connection::begin(StreamId stream) {
  stream_ = stream;
  flags_.attached = true;
  set_uninherited_options();
  opened();
}

// Timers are armed before the handler is called, so that it can change them with Conn::set.
void Connection::opened() {
  note_activity();
  watch_idle(idle_timeout());
  if (limits().first_bytes_timeout > Duration::zero() && !flags_.outgoing) await_first_bytes();
  if (events().opened) after_handler(call([&] { return events().opened(*this); }));
  update();
  if (loop_.draining() && !flags_.outgoing) announce_end();
}

// An accepted TCP socket inherits all options of the listener except quick_ack. An accepted unix
// socket inherits none.
void Connection::set_uninherited_options() {
  const Options& options = events().options;
  const bool buffers = options.receive_buffer || options.send_buffer;
  if (options.quick_ack || (buffers && loop_.server().address(address_index_).is_unix()))
    loop_.driver().set_options(stream_, options);
}

void Connection::received(std::string_view bytes) {
  // Output was drained before these bytes arrived, and handlers see events in that order.
  if (phase_ == Phase::open && flags_.drained_pending) deliver_drained();
  switch (phase_) {
    case Phase::open:
      note_activity();
      flags_.received_any = true;
      if (listening())
        run_data(bytes);
      else
        store_input(bytes);
      break;
    case Phase::detaching:
      store_input(bytes);
      break;
    case Phase::connecting:
    case Phase::draining:
    case Phase::lingering:  // discarded: closing with unread bytes would send a reset
    case Phase::closing:
    case Phase::finished:
      break;
  }
  update();
}

// The end is delivered by update(), after stored input. In later phases no handler needs it.
void Connection::end_received() {
  flags_.receiving = false;
  if (phase_ == Phase::open)
    flags_.eof_pending = true;
  else
    flags_.ended = true;
  update();
}

void Connection::sent(std::size_t count) {
  flags_.sending = false;
  if (phase_ == Phase::closing) return;
  on_sent(count);
  flush();
  update();
}

// The Socket that the user gets contains the input that no handler has consumed. If it cannot be
// copied, detaching would lose bytes, so the connection closes instead.
void Connection::on_detached(NativeSocket socket) {
  std::string untaken;
  try {
    if (input_) untaken = input_->view();
  } catch (const std::bad_alloc&) {
    starved_ = true;
    loop_.server().platform().discard(socket);
    return on_closed({});
  }
  clear_input();
  // The socket belongs to the user now, so calls that `detached` makes on this Conn do nothing.
  phase_ = Phase::closing;
  retire_handle();
  // Only callbacks of writes that came too late are left.
  complete(std::make_error_code(std::errc::operation_canceled));
  Socket owned(static_cast<int>(socket.value), std::move(untaken));
  const Action action = call([&] { return events().detached(*this, std::move(owned)); });
  finish(CloseReason::detached);
  notify_reconnector();
  if (action == Action::shutdown) loop_.server().stop();
}

void Connection::on_closed(std::error_code error) {
  const std::error_code why = close_reason(error);
  phase_ = Phase::closing;  // so that write() in `closed` drops the bytes
  retire_handle();
  if (why) trace_end(why);
  complete(why ? why : std::make_error_code(std::errc::operation_canceled));
  Action action = Action::none;
  if (events().closed) action = call([&] { return events().closed(*this, why); });
  finish(close_reason_of(why));
  notify_reconnector();
  if (action == Action::shutdown) loop_.server().stop();
}

// Returns the first recorded reason. Without one: no error if this side ended the connection and
// the kernel has every byte, because a late reset by the peer then loses nothing that we know of.
// Otherwise the kernel's error.
std::error_code Connection::close_reason(std::error_code error) const noexcept {
  if (handler_failed_) return Errc::handler_failed;
  if (extra_ && extra_->reason) return extra_->reason;
  if (starved_) return std::make_error_code(std::errc::not_enough_memory);
  if (phase_ == Phase::closing || phase_ == Phase::lingering) return {};
  if (phase_ == Phase::draining && !output_) return {};
  return error;
}

void Connection::trace_end(std::error_code why) noexcept {
  loop_.trace(Trace::What::closed, [&](Trace& trace) {
    trace.connection = id_;
    if (!flags_.outgoing) trace.local = loop_.server().address(address_index_);
    trace.peer = remote();
    trace.error = why;
  });
}

// From now on sends and posts through handles fail.
void Connection::retire_handle() noexcept {
  if (extra_ && extra_->handle) extra_->handle->mark_gone();
}

// Releases everything that the connection owns. The object itself is destroyed later by reap(), as
// functions further up the stack may still use it.
void Connection::finish(CloseReason ending) noexcept {
  phase_ = Phase::finished;
  retire_handle();
  if (extra_) loop_.timers().cancel_group(extra_->timers);
  context_.reset();
  if (extra_) extra_->values.reset();
  if (extra_) loop_.hold(-static_cast<std::ptrdiff_t>(std::exchange(extra_->held, 0)));
  clear_input();
  release_output();
  if (exchanges_datagrams() && datagram_end().socket)
    loop_.datagrams().close(*datagram_end().socket);
  loop_.retire(*this, ending);
}

// ---- State changes

// Runs each kind of work at most once, so that one connection cannot occupy the loop. If work is
// left, it schedules itself again.
void Connection::update() {
  if (!flags_.attached) {
    if (phase_ == Phase::open) complete({});      // datagrams are never queued
    if (phase_ == Phase::closing) on_closed({});  // the driver never had it, and will not report it
    return;
  }
  if (phase_ == Phase::connecting) {
    phase_ = Phase::open;
    return opened();
  }
  flush();
  complete({});
  if (phase_ == Phase::open && flags_.drained_pending) deliver_drained();
  if (phase_ == Phase::open && flags_.redeliver_input && listening() && has_input()) run_data({});
  // run_data may have set the flag again: messages are left, or it became congested. The end of the
  // stream must come after them.
  const bool unshown = flags_.redeliver_input && has_input();
  if (phase_ == Phase::open && flags_.eof_pending && !unshown && listening()) deliver_eof();
  if (phase_ == Phase::open && flags_.write_shut && !flags_.fin_sent && !output_) {
    loop_.driver().shutdown_send(stream_);
    flags_.fin_sent = true;
  }
  if (phase_ == Phase::open && flags_.fin_sent && flags_.ended) start_closing(CloseMode::orderly);
  if (phase_ == Phase::draining) progress_draining();
  if (phase_ == Phase::lingering && flags_.ended) start_closing(CloseMode::orderly);
  if (phase_ == Phase::detaching) progress_detaching();
  if (output_ && !flags_.pace_check_armed && limits().slow_reader_timeout > Duration::zero())
    start_pace_check();
  update_receiving();
  if (phase_ != Phase::open && phase_ != Phase::detaching) clear_input();
  if (work_left()) loop_.schedule(*this);
}

bool Connection::work_left() const noexcept {
  if (phase_ != Phase::open) return false;
  return flags_.drained_pending ||
         (((flags_.redeliver_input && has_input()) || flags_.eof_pending) && listening());
}

// Whether `data` and `ended` may be called.
bool Connection::listening() const noexcept {
  return phase_ == Phase::open && !flags_.paused && !(flags_.congested && !read_when_congested()) &&
         !loop_.stopping();
}

// Memory pressure stops reading, but not the delivery of stored input, since that frees memory.
bool Connection::reading_wanted() const noexcept { return listening() && !loop_.under_pressure(); }

void Connection::update_receiving() {
  if (phase_ == Phase::closing || phase_ == Phase::finished) return;
  const bool discarding = phase_ == Phase::draining || phase_ == Phase::lingering;
  const bool wanted = (discarding || reading_wanted()) && !flags_.ended && !flags_.eof_pending;
  if (wanted == flags_.receiving) return;
  flags_.receiving = wanted;
  loop_.driver().set_receiving(stream_, wanted);
}

// Memory pressure stops reading immediately, in the middle of a batch: the rest of the batch could
// bring far more than the limit.
void Connection::reading_may_have_changed() {
  flags_.redeliver_input = true;
  loop_.schedule(*this);
  if (flags_.attached && loop_.under_pressure()) update_receiving();
  // The idle timeout does not count the time without reading.
  if (!loop_.under_pressure() && holds_nothing()) note_activity();
}

// Closes at once only if the kernel has nothing unsent or unread. Otherwise it sends FIN and
// lingers: closing a socket with unread bytes sends a reset, which may destroy output that the peer
// has not read yet.
void Connection::progress_draining() {
  if (output_) {
    if (!extra().deadline.active()) arm_deadline(limits().drain_timeout);
    return;
  }
  if (flags_.ended || loop_.driver().is_drained(stream_)) return start_closing(CloseMode::orderly);
  if (!flags_.fin_sent) loop_.driver().shutdown_send(stream_);
  flags_.fin_sent = true;
  phase_ = Phase::lingering;
  arm_deadline(limits().linger_timeout);
}

// The user's socket must not have to send what was written before, so pending output is sent first.
void Connection::progress_detaching() {
  if (output_) {
    if (!extra().deadline.active()) arm_deadline(limits().drain_timeout);
  } else if (!flags_.detach_asked) {
    flags_.detach_asked = true;
    if (flags_.write_shut && !flags_.fin_sent) loop_.driver().shutdown_send(stream_);
    loop_.driver().detach(stream_);
  }
}

// Without a stream of the driver no on_closed would follow. Then update() calls it, never this
// function itself: the caller may be a handler of this connection.
void Connection::start_closing(CloseMode mode) {
  if (phase_ == Phase::closing || phase_ == Phase::finished) return;
  phase_ = Phase::closing;
  if (extra_) {
    extra_->deadline.cancel();
    if (extra_->outgoing) extra_->outgoing->connector.reset();
  }
  if (flags_.attached) return loop_.driver().close(stream_, mode);
  loop_.schedule(*this);
}

void Connection::fail(std::error_code reason, CloseMode mode) {
  if (phase_ == Phase::closing || phase_ == Phase::finished) return;
  if (!extra().reason) extra().reason = reason;
  start_closing(mode);
}

void Connection::starve() noexcept {
  starved_ = true;
  start_closing(CloseMode::abort);
  loop_.schedule(*this);
}

// `draining` may end the connection in an orderly way, for example with a farewell message.
void Connection::announce_end() {
  if (phase_ != Phase::open || drain_told_) return;
  drain_told_ = true;
  if (!events().draining) return;
  after_handler(call([&] { return events().draining(*this); }));
  update();
}

void Connection::stop() {
  close();
  update();
}

// The time for draining is over. Unsent output is lost, and is reported as an error.
void Connection::stop_now() {
  if (output_)
    fail(Errc::drain_timeout, CloseMode::abort);
  else
    start_closing(CloseMode::orderly);
}

// ---- Calling handlers

// Calls a handler. An exception closes this connection only. The previous current_connection is
// restored, in case a handler runs inside another one.
template <class Fn>
Action Connection::call(Fn&& handler) {
  Connection* const outer = std::exchange(loop_.current_connection, this);
  Action action = Action::none;
  try {
    action = handler();
  } catch (...) {
    on_exception(std::current_exception());
  }
  loop_.current_connection = outer;
  return action;
}

void Connection::after_handler(Action action) {
  apply(action);
  flush();
}

// Action::detach without a `detached` handler would lose the socket, so it closes the connection.
void Connection::apply(Action action) {
  if (action == Action::none) return;
  if (action == Action::shutdown) return loop_.server().stop();
  if (phase_ != Phase::open) return;
  if (action == Action::close || !events().detached || exchanges_datagrams()) return close();
  phase_ = Phase::detaching;
  note_activity();
  if (extra_) extra_->deadline.cancel();
}

// The connection drains as after close(), so that the peer gets what was written before. A detach
// that was not carried out yet is cancelled: the user's code is in an unknown state.
void Connection::on_exception(const std::exception_ptr& exception) {
  loop_.on_handler_exception(this, exception);
  if (phase_ == Phase::lingering || phase_ == Phase::closing || phase_ == Phase::finished) return;
  if (!(extra_ && extra_->reason)) handler_failed_ = true;
  if (phase_ == Phase::detaching && !flags_.detach_asked) phase_ = Phase::open;
  close();
}

Action Connection::call_data(Input& in) {
  loop_.counters().messages.add(1);
  return call([&] { return events().data(*this, in); });
}

// Calls `data` with the stored input and `bytes`. If there is no stored input, the handler reads
// `bytes` in the driver's buffer, without a copy; only what it leaves is copied.
void Connection::run_data(std::string_view bytes, bool woken) {
  flags_.redeliver_input = false;
  const bool stored = has_input();
  if (stored) {
    store_input(bytes);
    bytes = input_->view();
  }
  Input in(bytes);
  loop_.borrowed_input = bytes;
  std::size_t searched = 0;
  if (!events().data)
    in.take();
  else if (events().codec && !exchanges_datagrams())
    searched = deliver_messages(in, woken);
  else
    after_handler(call_data(in));
  if (output_) output_->own();  // unsent output may refer to `bytes`, which are valid until here
  loop_.borrowed_input = {};
  if ((phase_ != Phase::open && phase_ != Phase::detaching) || exchanges_datagrams()) return;
  if (in.empty()) {
    clear_input();
  } else if (!stored) {
    store_input(in.view());
  } else {
    store_rest(in.size());
  }
  if (has_input()) input_->searched = searched;
  if (phase_ == Phase::open && !events().codec && in.size() > limits().input_max)
    fail(Errc::input_overflow, CloseMode::orderly);
}

// Decodes and delivers complete messages as long as `data` may be called. After a wake, at least
// one is delivered. What the handlers write is flushed once at the end, in as few system calls as
// possible. Returns how many of the remaining bytes the codec has searched without result, so that
// it need not search them again.
std::size_t Connection::deliver_messages(Input& in, bool woken) {
  const auto show = [this](Input message) { apply(call_data(message)); };
  std::size_t searched = input_ ? input_->searched : 0;
  for (bool shows = woken || listening(); shows && !in.empty(); shows = listening()) {
    const Decoded found = events().codec.decode(in.view(), searched);
    const bool incomplete = found.kind == Decoded::Kind::incomplete;
    searched = incomplete ? in.size() : 0;
    if (std::max(found.size, searched) > limits().input_max) {
      fail(Errc::frame_too_large, CloseMode::orderly);
    } else if (incomplete) {
      break;
    } else if (found.kind == Decoded::Kind::malformed || found.size == 0 ||
               found.size > in.size()) {
      fail(Errc::bad_frame, CloseMode::orderly);
    } else {
      in.consume(found.size);
      show(found.message);
    }
  }
  flush();
  return searched;
}

void Connection::deliver_drained() {
  flags_.drained_pending = false;
  if (events().drained) after_handler(call([&] { return events().drained(*this); }));
}

// Without an `ended` handler the end of the peer closes the connection.
void Connection::deliver_eof() {
  flags_.eof_pending = false;
  flags_.ended = true;
  if (!events().ended) return close();
  Input in(input_ ? input_->view() : std::string_view());
  loop_.borrowed_input = in.view();
  after_handler(call([&] { return events().ended(*this, in); }));
  if (output_) output_->own();
  loop_.borrowed_input = {};
  if (phase_ != Phase::detaching) return clear_input();
  if (in.empty()) return clear_input();
  store_rest(in.size());
}

// Calls the callbacks of writes whose bytes were sent. With an error, it also calls all others:
// their bytes will never be sent.
void Connection::complete(std::error_code error) {
  if (!extra_ || !extra_->completions) return;
  Completions& all = *extra_->completions;
  while (!all.waiting.empty()) {
    const bool left = all.waiting.front().end <= all.taken;
    if (!left && !error) return;
    const Callback<void(std::error_code)> done = std::move(all.waiting.front().done);
    all.waiting.pop_front();
    loop_.pool().held -= sizeof(Completions::One);
    call([&] {
      done(left ? std::error_code() : error);
      return Action::none;
    });
  }
  extra_->completions.reset();
  flush();  // the callbacks may have written
}

void Connection::run(const Callback<void(Conn&)>& callback) {
  after_handler(call([&] {
    callback(*this);
    return Action::none;
  }));
  update();
}

// Calls `data` also if the connection is paused or congested: the user has requested it explicitly.
void Connection::wake() {
  if (phase_ != Phase::open || loop_.stopping()) return;
  run_data({}, true);
  update();
}

// ---- Input

// Memory is accounted by capacity, not by size: that is what the process really uses.
void Connection::store_input(std::string_view bytes) {
  if (bytes.empty()) return;
  if (!input_) input_ = std::make_unique<StoredInput>();
  const std::size_t capacity = input_->capacity();
  input_->append(bytes);
  loop_.hold(static_cast<std::ptrdiff_t>(input_->capacity() - capacity));
}

void Connection::store_rest(std::size_t size) noexcept {
  const std::size_t capacity = input_->capacity();
  input_->consume(input_->size() - size);
  loop_.hold(-static_cast<std::ptrdiff_t>(capacity - input_->capacity()));
}

void Connection::clear_input() noexcept {
  if (!input_) return;
  loop_.hold(-static_cast<std::ptrdiff_t>(input_->capacity()));
  input_.reset();
}

// ---- The functions of Conn

// Schedules update(), unless a handler of this connection is running: then update() follows it
// anyway.
void Connection::schedule_update() {
  if (loop_.current_connection != this) loop_.schedule(*this);
}

// While connecting there is nothing to drain; bytes that were written are lost, which is an error.
void Connection::close() {
  if (phase_ == Phase::connecting) {
    if (output_ && !extra().reason)
      extra().reason = std::make_error_code(std::errc::operation_canceled);
    return start_closing(CloseMode::orderly);
  }
  if (phase_ != Phase::open) return;
  if (exchanges_datagrams()) return start_closing(CloseMode::orderly);  // it has no output queue
  phase_ = Phase::draining;
  flags_.ended = flags_.ended || flags_.eof_pending;
  note_activity();
  if (extra_) extra_->deadline.cancel();
  schedule_update();
}

void Connection::abort() { start_closing(CloseMode::abort); }

void Connection::shutdown_write() {
  if (!is_open() || flags_.write_shut) return;
  flags_.write_shut = true;
  schedule_update();
}

void Connection::pause() {
  if (flags_.paused) return;
  flags_.paused = true;
  schedule_update();
}

void Connection::resume() {
  if (!flags_.paused) return;
  flags_.paused = false;
  flags_.redeliver_input = true;
  note_activity();  // the idle timeout does not count the time of the pause
  schedule_update();
}

}}}  // namespace evio::v0::detail
