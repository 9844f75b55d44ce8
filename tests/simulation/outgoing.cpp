#include "outgoing.hpp"

#include <algorithm>

#include "model.hpp"

namespace evio::test {

namespace {

constexpr const char* urls[] = {"tcp://127.0.0.1:6000", "tcp://localhost:6000",
                                "unix:///run/far.sock", "udp://127.0.0.1:6001",
                                "tcp://127.0.0.1:1",    "tcp://nowhere.example:1"};

}  // namespace

OutgoingConnection::OutgoingConnection(Model& model, std::uint32_t number)
    : model_(model),
      number_(number),
      chance_(model.setting.seed * 1000 + number),
      place_(static_cast<Place>(chance_.below(6))),
      by_server_(chance_(0.6)),
      connect_timeout_(
          std::chrono::milliseconds(model.setting.flawless ? 60'000 : chance_.upto(3000))) {}

void OutgoingConnection::fail(const std::string& why) {
  model_.fail("outgoing " + std::to_string(number_) + " to " +
              urls[static_cast<std::size_t>(place_)] + ": " + why);
}

// Where no fault delays a loop, a deadline is exact to some milliseconds.
bool OutgoingConnection::is_late(Duration time) const {
  return model_.setting.keeps_time() && time > connect_timeout_ + std::chrono::milliseconds(100);
}

Binding OutgoingConnection::binding() {
  Limits limits = model_.setting.limits;
  limits.connect_timeout = connect_timeout_;
  return on(urls[static_cast<std::size_t>(place_)],
            {.limits = limits,
             .opened = [this](Conn& c) { opened(c); },
             .data = [this](Conn& c, Input& in) { data(c, in); },
             .closed = [this](Conn& c, std::error_code error) { closed(c, error); }});
}

void OutgoingConnection::begin() {
  begun_ = model_.sim().now();
  if (by_server_) {
    made_ = true;
    return use(model_.server().connect(binding()));
  }
  const int index =
      static_cast<int>(chance_.below(static_cast<std::uint64_t>(model_.setting.loops)));
  Loop& loop = model_.server().loop(index);
  loop.post([this, &loop] {
    const Model::Inside inside(model_, "post");
    begun_ = model_.sim().now();
    Conn* const made = loop.connect(binding());
    if (!made && !model_.stopping()) fail("a loop makes no connection");
    if (!made) return;
    made_ = true;
    use(made->handle());
  });
}

void OutgoingConnection::use(const Handle& handle) {
  handle_ = handle;
  id_ = handle.id();
  if (chance_(0.5)) send(chance_.upto(3000));  // the bytes wait until it is connected
}

// ---- Handlers

void OutgoingConnection::opened(Conn& c) {
  const Model::Inside inside(model_, "opened of a client");
  if (state_ != State::connecting) fail("opened out of order");
  state_ = State::open;
  loop_ = c.loop().index();
  if (!reachable()) fail("opened, though nobody is there");
  if (c.id() != id_) fail("another id");
  if (!c.is_open()) fail("opened, though it is not open");
  if (!ended_by_us_ && is_late(model_.sim().now() - begun_)) fail("opened after the deadline");
}

void OutgoingConnection::data(Conn& c, Input& in) {
  const Model::Inside inside(model_, "data of a client");
  if (state_ != State::open) fail("data out of order");
  if (lost_ > 0) fail("data after lost output was reported");
  if (c.id() != id_ || c.loop().index() != loop_) fail("data of another connection");
  const std::string_view bytes = in.view();
  if (place_ == Place::udp) {
    if (!asked_.contains(std::string(bytes)) && wakes_ == 0)
      fail("a datagram that was not sent came back");
    return;
  }
  if (std::string_view(sent_).substr(taken_, bytes.size()) != bytes) fail("other bytes came back");
  if (bytes.empty() && wakes_ == 0) fail("data with nothing");
  if (taken_ + bytes.size() < shown_) fail("untaken input is lost");
  shown_ = taken_ + bytes.size();
  taken_ += in.take(chance_(0.8) ? bytes.size() : bytes.size() / 2).size();
  if (!in.empty()) wake();
}

void OutgoingConnection::closed(Conn& c, std::error_code error) {
  const Model::Inside inside(model_, "closed of a client");
  const Duration time = model_.sim().now() - begun_;
  const bool was_open = state_ == State::open;
  if (state_ == State::gone) fail("closed twice");
  state_ = State::gone;
  loop_ = c.loop().index();
  if (c.id() != id_) fail("closed: another id");
  if (handle_.send("dropped")) fail("a handle sends though its connection is closed");
  if (!was_open && !error && !ended_by_us_ && !model_.stopping()) fail("not opened, and no error");
  if (error == Errc::connect_timeout) {
    if (was_open) fail("connect_timeout, though it was open");
    if (time < connect_timeout_) fail("connect_timeout early");
  }
  if (!was_open && is_late(time)) fail("it was given up too late");
  if (error == Errc::name_not_found && place_ != Place::nowhere) fail("a name was not found");
  if (completed_ < arrived_) fail("a send was never reported");
  if (model_.stopping())  // one of the last calls of its loop
    model_.loop_post({.kind = Kind::loop_post, .number = static_cast<std::uint32_t>(loop_)});
  const bool should_work = model_.flawless() && !model_.stopping() && reachable() &&
                           !ended_by_us_ && place_ != Place::udp;
  if (should_work && error) fail("closed with an error: " + error.message());
}

// ---- Actions from outside the loops

void OutgoingConnection::send(std::size_t size) {
  if (!handle_ || write_shut_ || ended_by_us_) return;
  std::string bytes(size % 20'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>((sent_.size() + i) * 11 + number_);
  asked_.insert(bytes);
  if (state_ != State::gone && !model_.stopping() && !made_)
    fail("it has a handle, but was not made");
  sent_ += bytes;
  if (chance_(0.5) && place_ != Place::udp) return send_counted(bytes);
  if (!handle_.send(bytes) && is_open()) fail("a handle refuses, though its connection lives");
}

// Each send is reported once, in order; after the first that is lost all others are lost.
void OutgoingConnection::send_counted(const std::string& bytes) {
  const auto done = [this, end = sent_.size(), called = false](std::error_code error) mutable {
    const Model::Inside inside(model_, "a send's end");
    if (std::exchange(called, true)) fail("a send was reported twice");
    if (state_ == State::gone) fail("a send was reported after closed");
    if (!error && lost_ > 0) fail("a send left behind one that was lost");
    if (!error && handle_.pending_output() > sent_.size() - end)
      fail("a send was reported before it was sent");
    lost_ += static_cast<bool>(error);
    ++completed_;
  };
  handle_.send(SharedBytes(bytes), done);
  handle_.post([this](Conn&) { ++arrived_; });
}

void OutgoingConnection::wake() {
  if (!handle_) return;
  ++wakes_;
  handle_.wake();
  handle_.post([this](Conn&) { --wakes_; });
}

void OutgoingConnection::shut_write() {
  if (!handle_ || place_ == Place::udp) return;
  write_shut_ = true;
  handle_.post([](Conn& c) { c.shutdown_write(); });
}

void OutgoingConnection::close() {
  if (!handle_) return;
  ended_by_us_ = true;
  handle_.close();
}

void OutgoingConnection::abort() {
  if (!handle_) return;
  ended_by_us_ = true;
  handle_.post([](Conn& c) { c.abort(); });
}

void OutgoingConnection::finale() { place_ == Place::udp ? close() : shut_write(); }

void OutgoingConnection::check_at_end() {
  if (is_open()) fail("not closed at the end");
  if (handle_ && (handle_.send("x") || handle_.pending_output() != 0))
    fail("the handle of a dead connection sends");
  if (!model_.flawless()) return;
  if (!heard_of()) fail("nothing was heard of it");
  const bool whole = reachable() && place_ != Place::udp && !ended_by_us_;
  if (whole && shown_ != sent_.size()) fail("bytes are lost");
}

}  // namespace evio::test
