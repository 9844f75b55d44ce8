#include "conn.hpp"

#include <utility>

#include "handle_block.hpp"
#include "loop.hpp"
#include "server.hpp"
#include "validate.hpp"

namespace evio::inline v1 {

Connection::Connection(LoopCore& loop, const Address& peer, std::uint16_t address_index, std::uint64_t id)
    : Conn(Kind::stream),
      loop_(loop),
      id_(id),
      peer_ip_(peer.ip()),
      peer_port_(peer.port()),
      address_index_(address_index),
      activity_(loop.stamp()) {
  if (peer.scope() != 0 || (peer.is_unix() && !peer.host().empty())) rare().peer = std::make_unique<Address>(peer);
}

Connection::~Connection() {
  release_output();
  if (rare_ && rare_->outgoing && rare_->outgoing->adopted.value >= 0)
    loop_.server().platform().discard(rare_->outgoing->adopted);
}

const Events& Connection::events() const noexcept {
  return flags_.outgoing ? *rare_->outgoing->events : loop_.server().service(address_index_).events;
}

ConnRare& Connection::rare() {
  if (!rare_) rare_ = std::make_unique<ConnRare>();
  return *rare_;
}

// ---- What the driver brings

void Connection::begin(Stream stream) {
  stream_ = stream;
  flags_.attached = true;
  set_uninherited_options();
  opened();
}

void Connection::opened() {
  note_activity();
  watch_idle(idle_timeout());
  if (limits().first_bytes > Duration::zero() && !flags_.outgoing) await_first_bytes();
  if (events().opened) after_handler(call([&] { return events().opened(*this); }));
  settle();
  if (loop_.draining() && !flags_.outgoing) announce_end();
}

// TCP inherits the listener's options but this one; unix sockets inherit none.
void Connection::set_uninherited_options() {
  const Options& options = events().options;
  const bool buffers = options.receive_buffer || options.send_buffer;
  if (options.quick_ack || (buffers && loop_.server().address(address_index_).is_unix()))
    loop_.driver().set_options(stream_, options);
}

void Connection::received(std::string_view bytes) {
  if (phase_ == Phase::open && flags_.drained_due) run_drained();  // it comes before `data`
  switch (phase_) {
    case Phase::open:
      note_activity();
      flags_.heard = true;
      if (listening())
        run_data(bytes);
      else
        keep(bytes);
      break;
    case Phase::detaching:
      keep(bytes);
      break;
    case Phase::connecting:
    case Phase::draining:
    case Phase::lingering:  // read and discarded, so that closing does not reset
    case Phase::closing:
    case Phase::finished:
      break;
  }
  settle();
}

void Connection::end_received() {
  flags_.receiving = false;
  if (phase_ == Phase::open)
    flags_.end_held = true;
  else
    flags_.ended = true;
  settle();
}

void Connection::sent(std::size_t count) {
  flags_.sending = false;
  if (phase_ == Phase::closing) return;
  took(count);
  flush();
  settle();
}

void Connection::handed_over(NativeSocket socket) {
  std::string untaken;
  try {
    if (input_) untaken = input_->view();
  } catch (const std::bad_alloc&) {
    starved_ = true;
    loop_.server().platform().discard(socket);
    return gone({});
  }
  drop_input();
  phase_ = Phase::closing;  // the socket is no longer ours: nothing that is called in `detached` reaches it
  retire_handle();
  complete(std::make_error_code(std::errc::operation_canceled));  // all but what came too late has left
  Socket owned(static_cast<int>(socket.value), std::move(untaken));
  const Action action = call([&] { return events().detached(*this, std::move(owned)); });
  finish(Ending::detached);
  tell_keeper();
  if (action == Action::shutdown) loop_.server().stop();
}

void Connection::gone(std::error_code error) {
  const std::error_code why = outcome(error);
  phase_ = Phase::closing;  // `write` in `closed` is dropped
  retire_handle();
  if (why) trace_end(why);
  complete(why ? why : std::make_error_code(std::errc::operation_canceled));
  Action action = Action::none;
  if (events().closed) action = call([&] { return events().closed(*this, why); });
  finish(ending_of(why));
  tell_keeper();
  if (action == Action::shutdown) loop_.server().stop();
}

// The first recorded reason; else none if the end was ours and the kernel has every byte; else what the kernel said.
std::error_code Connection::outcome(std::error_code error) const noexcept {
  if (handler_failed_) return Errc::handler_failed;
  if (rare_ && rare_->reason) return rare_->reason;
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

// Nothing sent or posted through it can have an effect any more.
void Connection::retire_handle() noexcept {
  if (rare_ && rare_->handle) rare_->handle->mark_gone();
}

void Connection::finish(Ending ending) noexcept {
  phase_ = Phase::finished;
  retire_handle();
  if (rare_) loop_.timers().cancel_group(rare_->timers);
  context_.reset();
  if (rare_) rare_->values.reset();
  if (rare_) loop_.hold(-static_cast<std::ptrdiff_t>(std::exchange(rare_->held, 0)));
  drop_input();
  release_output();
  if (exchanges_datagrams() && datagram_end().socket) loop_.datagrams().close(*datagram_end().socket);
  loop_.bury(*this, ending);
}

// ---- What follows from each event

// Runs what was noted, each kind at most once, so that no connection keeps the loop to itself.
void Connection::settle() {
  if (!flags_.attached) {
    if (phase_ == Phase::open) complete({});  // datagrams, which are never kept
    if (phase_ == Phase::closing) gone({});   // it never was the driver's
    return;
  }
  if (phase_ == Phase::connecting) {
    phase_ = Phase::open;
    return opened();
  }
  flush();
  complete({});
  if (phase_ == Phase::open && flags_.drained_due) run_drained();
  if (phase_ == Phase::open && flags_.offer && listening() && has_input()) run_data({});
  const bool unshown = flags_.offer && has_input();  // again: there are messages left, or it was congested
  if (phase_ == Phase::open && flags_.end_held && !unshown && listening()) show_end();
  if (phase_ == Phase::open && flags_.write_shut && !flags_.fin_sent && !output_) {
    loop_.driver().shutdown_send(stream_);
    flags_.fin_sent = true;
  }
  if (phase_ == Phase::open && flags_.fin_sent && flags_.ended) start_closing(CloseMode::orderly);
  if (phase_ == Phase::draining) progress_draining();
  if (phase_ == Phase::lingering && flags_.ended) start_closing(CloseMode::orderly);
  if (phase_ == Phase::detaching) progress_detaching();
  if (output_ && !flags_.paced && limits().slow_reader > Duration::zero()) keep_pace();
  update_receiving();
  if (phase_ != Phase::open && phase_ != Phase::detaching) drop_input();
  if (work_left()) loop_.touch(*this);
}

bool Connection::work_left() const noexcept {
  if (phase_ != Phase::open) return false;
  return flags_.drained_due || (((flags_.offer && has_input()) || flags_.end_held) && listening());
}

// Whether `data` and `ended` may be called.
bool Connection::listening() const noexcept {
  return phase_ == Phase::open && !flags_.paused && !(flags_.congested && !read_when_congested()) && !loop_.stopping();
}

// Too much memory stops reading, but not the showing of what was read: that frees it.
bool Connection::reading_wanted() const noexcept { return listening() && !loop_.under_pressure(); }

void Connection::update_receiving() {
  if (phase_ == Phase::closing || phase_ == Phase::finished) return;
  const bool discarding = phase_ == Phase::draining || phase_ == Phase::lingering;
  const bool wanted = (discarding || reading_wanted()) && !flags_.ended && !flags_.end_held;
  if (wanted == flags_.receiving) return;
  flags_.receiving = wanted;
  loop_.driver().set_receiving(stream_, wanted);
}

// Too much memory stops reading at once, what else this batch brings included.
void Connection::reading_may_have_changed() {
  flags_.offer = true;
  loop_.touch(*this);
  if (flags_.attached && loop_.under_pressure()) update_receiving();
  if (!loop_.under_pressure() && holds_nothing()) note_activity();  // idle_timeout stood still
}

void Connection::progress_draining() {
  if (output_) {
    if (!rare().deadline.active()) arm_deadline(limits().drain);
    return;
  }
  if (flags_.ended || loop_.driver().quiet(stream_)) return start_closing(CloseMode::orderly);
  if (!flags_.fin_sent) loop_.driver().shutdown_send(stream_);
  flags_.fin_sent = true;
  phase_ = Phase::lingering;
  arm_deadline(limits().linger);
}

void Connection::progress_detaching() {
  if (output_) {
    if (!rare().deadline.active()) arm_deadline(limits().drain);
  } else if (!flags_.detach_asked) {
    flags_.detach_asked = true;
    if (flags_.write_shut && !flags_.fin_sent) loop_.driver().shutdown_send(stream_);
    loop_.driver().detach(stream_);
  }
}

void Connection::start_closing(CloseMode mode) {
  if (phase_ == Phase::closing || phase_ == Phase::finished) return;
  phase_ = Phase::closing;
  if (rare_) {
    rare_->deadline.cancel();
    if (rare_->outgoing) rare_->outgoing->dialer.reset();
  }
  if (flags_.attached) return loop_.driver().close(stream_, mode);
  loop_.touch(*this);
}

void Connection::fail(std::error_code reason, CloseMode mode) {
  if (phase_ == Phase::closing || phase_ == Phase::finished) return;
  if (!rare().reason) rare().reason = reason;
  start_closing(mode);
}

void Connection::starve() noexcept {
  starved_ = true;
  start_closing(CloseMode::abort);
  loop_.touch(*this);
}

void Connection::announce_end() {
  if (phase_ != Phase::open || drain_told_) return;
  drain_told_ = true;
  if (!events().draining) return;
  after_handler(call([&] { return events().draining(*this); }));
  settle();
}

void Connection::stop() {
  close();
  settle();
}

// The server's patience is over: what is still unsent is lost, and said to be.
void Connection::stop_now() {
  if (output_)
    fail(Errc::drain_timeout, CloseMode::abort);
  else
    start_closing(CloseMode::orderly);
}

// ---- Calling handlers

template <class Fn>
Action Connection::call(Fn&& handler) {
  Connection* const outer = std::exchange(loop_.running, this);
  Action action = Action::none;
  try {
    action = handler();
  } catch (...) {
    threw(std::current_exception());
  }
  loop_.running = outer;
  return action;
}

void Connection::after_handler(Action action) {
  apply(action);
  flush();
}

void Connection::apply(Action action) {
  if (action == Action::none) return;
  if (action == Action::shutdown) return loop_.server().stop();
  if (phase_ != Phase::open) return;
  if (action == Action::close || !events().detached || exchanges_datagrams()) return close();
  phase_ = Phase::detaching;
  note_activity();
  if (rare_) rare_->deadline.cancel();
}

void Connection::threw(const std::exception_ptr& exception) {
  loop_.handler_threw(this, exception);
  if (phase_ == Phase::lingering || phase_ == Phase::closing || phase_ == Phase::finished) return;
  if (!(rare_ && rare_->reason)) handler_failed_ = true;
  if (phase_ == Phase::detaching && !flags_.detach_asked) phase_ = Phase::open;
  close();
}

Action Connection::call_data(Input& in) {
  loop_.counters().messages.add(1);
  return call([&] { return events().data(*this, in); });
}

void Connection::run_data(std::string_view bytes, bool woken) {
  flags_.offer = false;
  const bool stored = has_input();
  if (stored) {
    keep(bytes);
    bytes = input_->view();
  }
  Input in(bytes);
  loop_.lent = bytes;
  std::size_t searched = 0;
  if (!events().data)
    in.take();
  else if (events().codec && !exchanges_datagrams())
    searched = show_messages(in, woken);
  else
    after_handler(call_data(in));
  if (output_) output_->own();  // what was not sent at once must outlive the bytes it was lent from
  loop_.lent = {};
  if ((phase_ != Phase::open && phase_ != Phase::detaching) || exchanges_datagrams()) return;
  if (in.empty()) {
    drop_input();
  } else if (!stored) {
    keep(in.view());
  } else {
    keep_last(in.size());
  }
  if (has_input()) input_->searched = searched;
  if (phase_ == Phase::open && !events().codec && in.size() > limits().input)
    fail(Errc::input_overflow, CloseMode::orderly);
}

// Shows each whole message while nothing keeps `data` from running (a wake: the first at least); they leave together
// what they write. Returns how
// many of the bytes that stay were searched in vain.
std::size_t Connection::show_messages(Input& in, bool woken) {
  const auto show = [this](Input message) { apply(call_data(message)); };
  std::size_t searched = input_ ? input_->searched : 0;
  for (bool shows = woken || listening(); shows && !in.empty(); shows = listening()) {
    const Decoded found = events().codec.decode(in.view(), searched);
    const bool incomplete = found.kind == Decoded::Kind::incomplete;
    searched = incomplete ? in.size() : 0;
    if (std::max(found.size, searched) > limits().input) {
      fail(Errc::frame_too_large, CloseMode::orderly);
    } else if (incomplete) {
      break;
    } else if (found.kind == Decoded::Kind::malformed || found.size == 0 || found.size > in.size()) {
      fail(Errc::bad_frame, CloseMode::orderly);
    } else {
      in.consume(found.size);
      show(found.message);
    }
  }
  flush();
  return searched;
}

void Connection::run_drained() {
  flags_.drained_due = false;
  if (events().drained) after_handler(call([&] { return events().drained(*this); }));
}

void Connection::show_end() {
  flags_.end_held = false;
  flags_.ended = true;
  if (!events().ended) return close();
  Input in(input_ ? input_->view() : std::string_view());
  loop_.lent = in.view();
  after_handler(call([&] { return events().ended(*this, in); }));
  if (output_) output_->own();
  loop_.lent = {};
  if (phase_ != Phase::detaching) return drop_input();
  if (in.empty()) return drop_input();
  keep_last(in.size());
}

// Tells those whose bytes have left; with an error also all others, that theirs never will.
void Connection::complete(std::error_code error) {
  if (!rare_ || !rare_->completions) return;
  Completions& all = *rare_->completions;
  while (!all.waiting.empty()) {
    const bool left = all.waiting.front().end <= all.taken;
    if (!left && !error) return;
    const Handler<void(std::error_code)> done = std::move(all.waiting.front().done);
    all.waiting.pop_front();
    loop_.pool().held -= sizeof(Completions::One);
    call([&] {
      done(left ? std::error_code() : error);
      return Action::none;
    });
  }
  rare_->completions.reset();
  flush();  // what they wrote
}

void Connection::run(const Handler<void(Conn&)>& callback) {
  after_handler(call([&] {
    callback(*this);
    return Action::none;
  }));
  settle();
}

void Connection::wake() {
  if (phase_ != Phase::open || loop_.stopping()) return;
  run_data({}, true);
  settle();
}

// ---- Input

void Connection::keep(std::string_view bytes) {
  if (bytes.empty()) return;
  if (!input_) input_ = std::make_unique<StoredInput>();
  const std::size_t capacity = input_->capacity();
  input_->append(bytes);
  loop_.hold(static_cast<std::ptrdiff_t>(input_->capacity() - capacity));
}

void Connection::keep_last(std::size_t size) noexcept {
  const std::size_t capacity = input_->capacity();
  input_->consume(input_->size() - size);
  loop_.hold(-static_cast<std::ptrdiff_t>(capacity - input_->capacity()));
}

void Connection::drop_input() noexcept {
  if (!input_) return;
  loop_.hold(-static_cast<std::ptrdiff_t>(input_->capacity()));
  input_.reset();
}

// ---- What Conn offers

// Something is to be settled: right after the running handler if it is this connection's own, else with the batch.
void Connection::note() {
  if (loop_.running != this) loop_.touch(*this);
}

void Connection::close() {
  if (phase_ == Phase::connecting) {
    if (output_ && !rare().reason) rare().reason = std::make_error_code(std::errc::operation_canceled);
    return start_closing(CloseMode::orderly);
  }
  if (phase_ != Phase::open) return;
  if (exchanges_datagrams()) return start_closing(CloseMode::orderly);  // nothing waits to be sent
  phase_ = Phase::draining;
  flags_.ended = flags_.ended || flags_.end_held;
  note_activity();
  if (rare_) rare_->deadline.cancel();
  note();
}

void Connection::abort() { start_closing(CloseMode::abort); }

void Connection::shutdown_write() {
  if (!is_open() || flags_.write_shut) return;
  flags_.write_shut = true;
  note();
}

void Connection::pause() {
  if (flags_.paused) return;
  flags_.paused = true;
  note();
}

void Connection::resume() {
  if (!flags_.paused) return;
  flags_.paused = false;
  flags_.offer = true;
  note_activity();  // idle_timeout stood still
  note();
}

Timer Connection::run_after(Duration delay, Handler<void(Conn&)> fn) {
  if (phase_ == Phase::finished) return {};
  return loop_.timers().run_after(delay, std::move(fn), *this, rare().timers);
}

void Connection::set_held(std::size_t bytes) {
  if (phase_ == Phase::finished || (!rare_ && bytes == 0)) return;
  loop_.hold(static_cast<std::ptrdiff_t>(bytes - std::exchange(rare().held, bytes)));
}

Address Connection::remote() const {
  const Address* const known = rare_ ? rare_->peer.get() : nullptr;
  if (known && (flags_.outgoing || known->is_unix())) return *known;
  const Address& here = loop_.server().address(address_index_);
  if (here.is_unix()) return Address::from_path("");
  return Address::from_ip(here.scheme(), peer_ip_, peer_port_, known ? known->scope() : 0);
}

Address Connection::local() const {
  if (exchanges_datagrams() && datagram_end().socket) return loop_.driver().local_address(*datagram_end().socket);
  if (!flags_.attached) return {};
  Address own = loop_.driver().local_address(stream_);
  if (!own.has_ip() || flags_.outgoing) return own;
  return Address::from_ip(loop_.server().address(address_index_).scheme(), own.ip(), own.port(), own.scope());
}

NativeSocket Connection::native() const {
  if (exchanges_datagrams() && datagram_end().socket) return loop_.driver().native(*datagram_end().socket);
  return flags_.attached ? loop_.driver().native(stream_) : NativeSocket{};
}

std::error_code Connection::set_in_kernel(const Options& options) {
  if (exchanges_datagrams() && datagram_end().socket)
    return loop_.driver().set_options(*datagram_end().socket, options);
  return flags_.attached ? loop_.driver().set_options(stream_, options) : std::error_code();
}

void Connection::set(const Options& options) {
  validate(options);
  if (phase_ == Phase::finished) return;
  if (const std::error_code error = set_in_kernel(options))
    throw Error(error, remote().to_string(), "an option was refused");
  if (options.idle_timeout) {
    rare().idle_timeout = options.idle_timeout;
    if (phase_ == Phase::open) {
      note_activity();
      rare().deadline.cancel();
      watch_idle(idle_timeout());
    }
  }
  if (options.read_when_congested) {
    rare().read_when_congested = options.read_when_congested;
    flags_.offer = flags_.offer || flags_.congested;  // reading restarts
    loop_.touch(*this);
  }
}

Values& Connection::values() {
  if (!rare().values) rare().values = std::make_unique<Values>();
  return *rare().values;
}

const std::shared_ptr<HandleBlock>& Connection::handle_block() {
  if (!rare().handle) {
    rare().handle = std::make_shared<HandleBlock>(loop_.mailbox(), stream_, id(), limits().output_max);
    if (phase_ == Phase::finished) rare().handle->mark_gone();
    publish_pending();
  }
  return rare().handle;
}

}  // namespace evio::inline v1
