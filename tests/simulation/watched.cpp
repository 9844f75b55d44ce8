#include "watched.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "model.hpp"

namespace evio::test {

using namespace sim;

namespace {

struct Oops : std::runtime_error {
  Oops() : std::runtime_error("oops") {}
};

}  // namespace

Watched::Watched(Model& model, Peer& of, std::uint32_t number_)
    : peer(of),
      number(number_),
      model_(model),
      chance_(model.setting.seed * 1000 + number_),
      role_(static_cast<Role>(std::min<std::uint64_t>(chance_.below(12), 7))),
      to_produce_(chance_.upto(chance_(0.3) ? 200'000 : 3000)),
      throws_(role_ == Role::thrower) {
  peer.when_changed([this](Peer&) { check_peer(); });
}

bool Watched::fail(const std::string& why) { return model_.fail(name() + why); }
std::string Watched::name() const {
  constexpr const char* roles[] = {"echo",     "producer", "sink",    "sender",
                                   "detacher", "aborter",  "thrower", "closer"};
  return std::string(roles[static_cast<std::size_t>(role_)]) + " " + std::to_string(number) + ": ";
}

// The checks of every handler call.
void Watched::enter(Conn& c, bool readable, const char* handler) {
  if (state_ != State::open && (readable || state_ != State::ended))
    fail(std::string(handler) + " out of order (state " + std::to_string(static_cast<int>(state_)) +
         ")");
  if (closing_) fail(std::string(handler) + " after close");
  if (overflowed_) fail(std::string(handler) + " after an overflow");
  if (c.id() != id_) fail("another id");
  if (c.loop().index() != loop_) fail("another loop");
  if (!c.context<Alive>()) fail("no context");
  if (!c.is_open()) fail(std::string(handler) + ", though it is not open");
}

// ---- Handlers

Action Watched::opened(Conn& c) {
  const Model::Inside inside(model_, "opened");
  if (state_ != State::none) fail("opened twice");
  state_ = State::open;
  id_ = c.id();
  loop_ = c.loop().index();
  c.emplace_context<Alive>(this);
  ++contexts_;
  handle_ = c.handle();
  opened_at_ = active_at_ = model_.sim().now();
  if (place(c.remote()) != place(peer.address())) fail("another remote address");
  if (!c.local().is_unix() && (c.local().port() != 5000 && c.local().port() != 5001))
    fail("another local address");
  if (role_ == Role::closer && chance_(0.3)) return by_chance(c, Action::close);
  maybe_throw();
  if (role_ == Role::producer) return produce(c);
  return Action::none;
}

Action Watched::data(Conn& c, Input& in) {
  const Model::Inside inside(model_, "data");
  enter(c, wakes_ == 0, "data");  // an ended connection may be woken
  if (state_ == State::ended && !in.empty()) fail("input after the end");
  check_input(in);
  offered_ = taken_ + in.size();
  if (in.size() > left_ && !paused_ && wakes_ == 0) active_at_ = model_.sim().now();
  if (paused_ && wakes_ == 0) fail("data, though it is paused");
  if (congested_ && c.pending_output() > model_.setting.limits.output_low && wakes_ == 0 &&
      !by_handle_ && !model_.setting.options.read_when_congested)
    fail("data, though it is congested");
  if (in.empty() && wakes_ == 0) fail("data with nothing");
  wake_due_ = false;
  maybe_throw();
  arm_timer(c);
  Action action = Action::none;
  switch (role_) {
    case Role::echo:
    case Role::thrower:
      action = echo(c, in);
      break;
    case Role::producer:
    case Role::sink:
    case Role::sender:
      take(in, in.size());
      if (chance_(0.1)) someone_writes(c);
      break;
    case Role::detacher:
      take(in, chance_.below(in.size() + 1));
      if (chance_(0.3)) write(c, answer(chance_.upto(3000)));
      if (chance_(0.4)) action = Action::detach;
      if (!in.empty()) wake();
      break;
    case Role::aborter:
      take(in, in.size());
      write(c, answer(chance_.upto(3000)));
      if (chance_(0.3)) {
        c.abort();
        aborted_ = closing_ = true;
      }
      break;
    case Role::closer:
      take(in, chance_.below(in.size() + 1));
      write(c, answer(chance_.upto(chance_(0.1) ? 60'000 : 3000)));
      if (chance_(0.5)) action = by_chance(c, Action::close);
      if (!in.empty()) wake();
      break;
  }
  if (action == Action::detach || action == Action::close) {
    closing_ = true;
    closed_at_ = model_.sim().now();
  }
  left_ = in.size();
  if (left_ > model_.setting.limits.input_max && !closing_) overflowed_ = true;
  return action;
}

Action Watched::drained(Conn& c) {
  const Model::Inside inside(model_, "drained");
  enter(c, false, "drained");
  if (!congested_ && !by_handle_) fail("drained, though it was not congested");
  congested_ = false;
  maybe_throw();
  return role_ == Role::producer ? produce(c) : Action::none;
}

Action Watched::ended(Conn& c, Input& in) {
  const Model::Inside inside(model_, "ended");
  enter(c, true, "ended");
  state_ = State::ended;
  saw_end_ = true;
  check_input(in);
  if (paused_) fail("ended, though it is paused");
  if (taken_ + in.size() != sent_) fail("ended, but not everything was shown");
  if (taken_ + in.size() != offered_) fail("ended shows what data never was shown");
  const std::size_t rest = in.size();
  take(in, role_ == Role::detacher ? rest / 2 : rest);
  left_ = in.size();
  maybe_throw();
  switch (role_) {
    case Role::producer:  // more bytes follow
      return Action::none;
    case Role::sender:
      handle_.post([this](Conn&) { handle_close(); });
      return Action::none;
    case Role::sink:
      write(c, answer(500));
      c.run_after(std::chrono::milliseconds(chance_.below(20)), [this](Conn& later) {
        if (!runs(later, "timer")) return;
        const Model::Inside in_timer(model_, "timer");
        if (!later.is_open()) return;
        write(later, answer(chance_.upto(2000)));
        closing_ = true;
        later.close();
      });
      return Action::none;
    case Role::detacher:
      write(c, answer(100));
      closing_ = true;
      return Action::detach;
    default:
      write(c, answer(rest));
      return by_chance(c, Action::close);
  }
}

void Watched::closed(Conn& c, std::error_code error) {
  const Model::Inside inside(model_, "closed");
  if (state_ != State::open && state_ != State::ended) fail("closed out of order");
  state_ = State::gone;
  error_ = error;
  const Setting& setting = model_.setting;
  const Duration now = model_.sim().now();
  if (c.id() != id_ || c.loop().index() != loop_) fail("closed: another connection");
  if (!c.context<Alive>() || contexts_ != 1) fail("closed: no context");
  if (c.is_open() || c.write("dropped")) fail("closed, but open");
  if (handle_.send("dropped")) fail("a handle sends though its connection is closed");
  if (!error && !aborted_ && !by_handle_ && c.pending_output() > 0)
    fail("no error, though output was lost");
  if (overflowed_ && !error) fail("no error after an overflow");
  if (threw_ && !error && !aborted_) fail("no error after an exception");
  if (error == Errc::idle_timeout) {
    if (!setting.options.idle_timeout || now - active_at_ < *setting.options.idle_timeout)
      fail("idle timeout early");
    if (paused_ && c.pending_output() == 0) fail("idle timeout while paused");
    if (setting.options.idle_timeout && !was_heard(active_at_ + *setting.options.idle_timeout))
      fail("idle timeout, but bytes had come");
  }
  if (error == Errc::first_bytes_timeout) {
    if (now - opened_at_ < setting.limits.first_bytes_timeout ||
        setting.limits.first_bytes_timeout == Duration::zero())
      fail("first_bytes_timeout early");
    if (offered_ > 0) fail("first_bytes_timeout, but bytes came");
    if (!was_heard(opened_at_ + setting.limits.first_bytes_timeout))
      fail("first_bytes_timeout, but bytes had come");
  }
  if (error == Errc::slow_reader) {
    if (now - opened_at_ < setting.limits.slow_reader_timeout ||
        setting.limits.slow_reader_timeout == Duration::zero())
      fail("slow_reader early");
    if (c.pending_output() == 0) fail("slow_reader, but nothing waits");
  }
  if (completed_ < arrived_) fail("a send was never reported");
  if (error == Errc::input_overflow && left_ <= setting.limits.input_max)
    fail("input overflow, but there was room");
  if (error == Errc::output_overflow && !overflowed_ && !by_handle_)
    fail("output overflow, but there was room");
  if (error == Errc::handler_failed && !threw_) fail("handler_failed, but none did");
  if (error == Errc::drain_timeout && !model_.stopping() && closed_at_ > Duration::zero() &&
      now - closed_at_ < setting.limits.drain_timeout)
    fail("drain timeout early");
  if (model_.flawless() && !peer_broke_ && error && error != Errc::handler_failed)
    fail("closed with an error: " + error.message());
  if (model_.stopping())  // one of the last calls of its loop
    model_.loop_post({.kind = Kind::loop_post, .number = static_cast<std::uint32_t>(loop_)});
  model_.context_dies(contexts_);
}

// Whether `data` received everything that must have arrived by then, if only the loop itself may
// have been late.
bool Watched::was_heard(Duration until) const {
  const Setting& setting = model_.setting;
  const bool slow = setting.faults.delay > 0 || setting.faults.stall > 0 ||
                    setting.faults.reset > 0 || setting.options.receive_buffer ||
                    setting.options.send_buffer || setting.limits.memory_max > 0;
  if (slow || paused_ || congested_ || by_handle_) return true;
  constexpr Duration margin = std::chrono::milliseconds(10);  // for the network and for rounding
  constexpr std::size_t at_once = 10'000;
  return std::none_of(sends_.begin(), sends_.end(), [&](const auto& sent) {
    return sent.second > offered_ && sent.second <= at_once && sent.first + margin < until;
  });
}

void Watched::detached(Conn& c, Socket socket) {
  const Model::Inside inside(model_, "detached");
  if (state_ != State::open && state_ != State::ended) fail("detached out of order");
  if (!closing_) fail("detached, but not asked for");
  if (c.pending_output() > 0 && !by_handle_) fail("detached before output was flushed");
  state_ = State::gone;
  const std::string_view rest = socket.buffered();
  for (std::size_t i = 0; i < rest.size(); ++i)
    if (rest[i] != byte_of(number, taken_ + i)) return void(fail("detached with other input"));
  if (rest.size() < left_) fail("detached without all of the input");
  socket_taken_ = taken_ + rest.size();
  const std::string tail = answer(40);
  socket.write(tail);
  expected_ += tail;
  allowed_ = expected_.size();
  if (completed_ < arrived_) fail("a send was never reported");
  if (chance_(0.5)) return adopt_again(c.loop(), std::move(socket));
  socket_ = std::make_shared<Socket>(std::move(socket));
  read_detached();
}

// The bytes that the socket has received, and those written to it, are complete.
void Watched::adopt_again(Loop& loop, Socket socket) {
  loop.post([this, &loop, rest = socket.buffered().size(), own = std::move(socket)]() mutable {
    const Model::Inside inside(model_, "post");
    socket_taken_ -= rest;
    Conn* const adopted =
        loop.adopt(std::move(own),
                   on("tcp://10.0.0.1:1",
                      {.limits = model_.setting.limits,
                       .data = [this](Conn& c, Input& in) { adopted_data(c, in); },
                       .closed = [this](Conn&, std::error_code error) { adopted_closed(error); }}));
    if (!adopted) return;
    adopted_ = true;
    model_.note_adopted();
  });
}

void Watched::adopted_data(Conn& c, Input& in) {
  const Model::Inside inside(model_, "data of an adopted one");
  if (!adopted_) fail("data of an adopted one that has closed");
  for (const char byte : in.take())
    if (byte != byte_of(number, socket_taken_++))
      return void(fail("an adopted connection brings other bytes"));
  const std::string bytes = answer(chance_.upto(3000));
  c.write(bytes);
  if (!c.is_open()) return;
  expected_ += bytes;
  allowed_ = expected_.size();
}

void Watched::adopted_closed(std::error_code error) {
  const Model::Inside inside(model_, "closed of an adopted one");
  if (!std::exchange(adopted_, false)) fail("an adopted one closes twice");
  error_ = error;
  if (!model_.flawless() || peer_broke_ || model_.stopping()) return;
  if (error) fail("an adopted one closes with an error: " + error.message());
  if (socket_taken_ != sent_) fail("an adopted one lost bytes");
}

void Watched::read_detached() {
  char bytes[4096];
  ssize_t size = 0;
  while ((size = ::recv(socket_->fd(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
    for (ssize_t i = 0; i < size; ++i)
      if (bytes[i] != byte_of(number, socket_taken_++))
        return void(fail("a detached socket brings other bytes"));
  }
  if (size == 0) {
    if (model_.flawless() && !peer_broke_ && socket_taken_ != sent_)
      fail("a detached socket lost bytes");
    socket_.reset();
  } else if (!model_.failed()) {
    model_.sim().run_after(std::chrono::milliseconds(1), [this] {
      if (socket_) read_detached();
    });
  }
}

void Watched::failed(Conn&) {
  if (!threw_) fail("failed, but nothing was thrown");
}

bool Watched::runs(Conn& c, const char* what) {
  if (state_ != State::open && state_ != State::ended)
    return !fail(std::string(what) + " after the connection");
  if (c.id() != id_ || c.loop().index() != loop_)
    fail(std::string(what) + " of another connection");
  return true;
}

// ---- What handlers do. A handler that leaves input wakes its connection: otherwise that input
// might hold the memory that other connections wait for.

bool Watched::write(Conn& c, std::string_view bytes) {
  const Limits& limits = model_.setting.limits;
  const std::size_t before = c.pending_output();
  if (!c.is_open()) return c.write(bytes) && fail("a closed connection takes output");
  bool more = false;
  switch (chance_.below(3)) {
    case 0:
      more = static_cast<bool>(c.write(bytes));
      break;
    case 1:
      more = static_cast<bool>(c.write(SharedBytes(std::string(bytes))));
      break;
    default:
      more = static_cast<bool>(
          c.write({bytes.substr(0, bytes.size() / 3), bytes.substr(bytes.size() / 3)}));
  }
  if (before + bytes.size() > limits.output_max) {
    if (c.is_open() || more) fail("output_max is exceeded");
    overflowed_ = true;
    return false;
  }
  if (!c.is_open()) return fail("a write closed it");
  const std::size_t after = c.pending_output();
  if (after != before + bytes.size()) fail("pending_output is wrong");
  if (more != (after <= limits.output_high)) fail("write's answer is wrong");
  expected_ += bytes;
  if (!model_.setting.with_pre_write) allowed_ = expected_.size();
  if (!more) congested_ = true;
  return more;
}

std::string Watched::answer(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<char>(expected_.size() * 3 + i * 5 + number);
  return bytes;
}

void Watched::check_input(const Input& in) {
  const std::string_view bytes = in.view();
  if (bytes.size() < left_) fail("untaken input is lost");
  if (taken_ + bytes.size() > sent_) fail("more input than was sent");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == byte_of(number, taken_ + i)) continue;
    fail("input is wrong at byte " + std::to_string(taken_ + i));
    return;
  }
}

void Watched::take(Input& in, std::size_t size) { taken_ += in.take(size).size(); }

Action Watched::echo(Conn& c, Input& in) {
  const std::string_view bytes = in.take(chance_.below(in.size() + 1));
  taken_ += bytes.size();
  write(c, bytes);
  switch (chance_.below(10)) {
    case 0:
      c.pause();
      paused_ = true;
      c.run_after(Duration(chance_.below(5'000'000)), [this](Conn& later) {
        if (!runs(later, "timer")) return;
        if (std::exchange(paused_, false)) active_at_ = model_.sim().now();
        later.resume();
      });
      break;
    case 1:
      c.pause();
      c.resume();
      paused_ = false;
      break;
    default:
      if (!in.empty()) wake();
  }
  return Action::none;
}

Action Watched::produce(Conn& c) {
  while (to_produce_ > 0) {
    const std::size_t size = std::min<std::size_t>(to_produce_, chance_.upto(20'000));
    to_produce_ -= size;
    const bool more = write(c, answer(size));
    if (!c.is_open()) return Action::none;
    if (!more && to_produce_ > 0) return Action::none;
  }
  if (chance_(0.5)) return by_chance(c, Action::close);
  c.shutdown_write();
  if (c.write("dropped")) fail("a write behind the end is taken");
  to_produce_ = 0;
  closed_at_ = {};
  handle_closed_ = true;  // later sends through its handle are dropped
  return Action::none;
}

// Closes by the return value or by the call.
Action Watched::by_chance(Conn& c, Action action) {
  closing_ = true;
  closed_at_ = model_.sim().now();
  if (chance_(0.5)) return action;
  c.close();
  if (c.is_open() || c.write("dropped")) fail("open after close");
  return Action::none;
}

void Watched::maybe_throw() {
  if (!throws_ || !chance_(0.2)) return;
  threw_ = closing_ = true;
  throw Oops();
}

void Watched::arm_timer(Conn& c) {
  if (!chance_(0.2)) return;
  const Duration delay(chance_.below(20'000'000));
  const Duration deadline = model_.sim().now() + delay;
  c.run_after(delay, [this, deadline](Conn& later) {
    const Model::Inside inside(model_, "timer");
    if (runs(later, "timer") && later.loop().now().time_since_epoch() < deadline)
      fail("a timer ran early");
  });
  if (chance_(0.3)) model_.timers(c.loop()).arm(model_, c.loop());
}

// A handler may write to other connections of its loop.
void Watched::someone_writes(Conn& c) {
  const std::uint64_t own = c.id();
  c.loop().for_each([&](Conn& other) {
    Alive* const alive = other.context<Alive>();
    if (!alive || other.id() == own || alive->of->handle_closed_ ||
        alive->of->role_ == Role::producer)
      return;
    alive->of->write(other, alive->of->answer(20));
  });
}

// ---- The peer, between the loops' iterations

void Watched::send(std::size_t size) {
  if (!peer.can_send()) return;
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = byte_of(number, sent_ + i);
  sent_ += size;
  sends_.emplace_back(std::max(model_.sim().now(), opened_at_), sent_);
  peer.send(bytes);
}

// A wake is followed by a post, which checks that the wake was seen.
void Watched::wake() {
  if (!handle_) return;
  ++wakes_;
  wake_due_ = true;
  handle_.wake();
  handle_.post([this](Conn& c) {
    if (!runs(c, "post")) return;
    --wakes_;
    if (wakes_ == 0 && wake_due_ && c.is_open() && !closing_ && state_ == State::open &&
        !model_.stopping())
      fail("a wake was not seen");
  });
}

// The post after it shows whether the send was accepted.
void Watched::handle_send(std::size_t size) {
  if (!handle_ || handle_closed_ || role_ == Role::producer) return;
  by_handle_ = true;
  const std::string bytes = answer(size % 30'000);
  const bool counted = chance_(0.3);
  const auto done = [this] {
    const Model::Inside inside(model_, "a send's end");
    if (!is_open()) fail("a send was reported after its connection");
    ++completed_;
  };
  if (!(counted ? handle_.send(SharedBytes(bytes), done) : handle_.send(bytes))) {
    if (is_open()) fail("a handle refuses, though its connection lives");
    return;
  }
  handle_.post([this, bytes, counted](Conn& c) {
    const Model::Inside inside(model_, "post");
    arrived_ += counted;
    if (!runs(c, "post") || !c.is_open()) return;
    expected_ += bytes;
    if (!model_.setting.with_pre_write) allowed_ = expected_.size();
  });
}

void Watched::handle_post(std::size_t size) {
  if (!handle_ || role_ == Role::producer || handle_closed_) return;
  handle_.post([this, size](Conn& c) {
    const Model::Inside inside(model_, "post");
    if (runs(c, "post") && c.is_open()) write(c, answer(size % 10'000));
  });
}

void Watched::handle_close() {
  if (!handle_) return;
  handle_.close();
  handle_.post([this](Conn& c) {
    const Model::Inside inside(model_, "post");
    if (c.is_open()) fail("open after its handle closed it");
  });
}

void Watched::finale() {
  peer.start_reading();
  peer.shutdown_write();
  if (role_ == Role::sender) handle_close();
}

// ---- What the peer sees

void Watched::check_peer() {
  const std::string& received = peer.received();
  if (received.size() > allowed_) {
    fail("the peer received more than was let out");
  } else if (received.compare(0, received.npos, expected_, 0, received.size()) != 0) {
    fail("the peer received other bytes");
  }
}

void Watched::check_at_end() {
  check_peer();
  if (is_open() || adopted_) fail("not closed at the end");
  if (contexts_ != 0) fail("a context is left");
  if (handle_ && (handle_.send("x") || handle_.pending_output() != 0))
    fail("the handle of a dead connection sends");
  if (was_opened() && peer.ended() && !error_ && !aborted_ && peer.received() != expected_)
    fail("the peer was ended before it had everything");
  if (!model_.flawless() || peer_broke_ || aborted_) return;
  if (!was_opened() && peer.connected()) fail("never opened");
  if (!peer.done()) fail("its peer has not come to an end");
  if (saw_end_ && peer.broken()) fail("its peer was reset");
  if (peer.received() != expected_) fail("bytes are lost");
}

}  // namespace evio::test
