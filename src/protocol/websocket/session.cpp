// A WebSocket after its handshake: messages, pings, the closing handshake.
#include "protocol/websocket/session.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "protocol/http/progress.hpp"
#include "protocol/websocket/close_code.hpp"
#include "protocol/websocket/loop_cache.hpp"
#include "protocol/websocket/utf8.hpp"

namespace evio { inline namespace v0 { namespace websocket {

using Event = MessageReader::Event;

namespace {

constexpr std::size_t kept = 64 << 10;        // the capacity of the compression buffer that is kept
constexpr std::size_t control_at_most = 125;  // bytes of payload (RFC 6455, section 5.5)

Opcode opcode_of(Kind kind) noexcept { return kind == Kind::text ? Opcode::text : Opcode::binary; }

}  // namespace

Session::Session(Conn& conn, Side side, std::shared_ptr<Service> service)
    : conn_(conn), service_(std::move(service)), socket_(*this), side_(side) {}

Session::~Session() { subscriptions_.clear(); }

void Session::set_negotiated(std::optional<DeflateAgreement> deflate, std::string protocol) {
  protocol_ = std::move(protocol);
  if (!deflate) return;
  const bool server = side_ == Side::server;
  compressor_.emplace(server ? deflate->from_server : deflate->from_client);
  decompressor_.emplace(server ? deflate->from_client : deflate->from_server);
}

void Session::requested(http::Request& request) {
  if (service_->handlers.requested) service_->handlers.requested(socket_, request);
}

void Session::opened() {
  opened_ = true;
  if (service_->settings.ping_interval > Duration::zero()) arm(service_->settings.ping_interval);
  if (service_->handlers.opened) call([&] { service_->handlers.opened(socket_); });
  for (auto& fn : std::exchange(early_, {})) run(std::move(fn));
}

// An idle WebSocket has no reader: it takes one from the thread's cache while input is handled and
// keeps it only if a message has arrived in part. So many idle WebSockets need little memory.
void Session::data(Input& in) {
  if (!in.empty()) {
    heard_ = true;
    pinged_ = false;
  }
  if (!reader_) reader_ = LoopCache::of_this_thread().take_reader();
  in_event_ = true;
  call([&] { read(in); });
  in_event_ = false;
  if (reader_->is_idle()) LoopCache::of_this_thread().give_back(std::move(reader_));
  report_held();
  if (congestion_.active()) update_reading();
}

// Reports the memory of this WebSocket, which counts in Limits::memory_max.
void Session::report_held() {
  conn_.set_held((reader_ ? reader_->held() : 0) + (compressor_ ? compressor_->held() : 0) +
                 (decompressor_ ? decompressor_->held() : 0));
}

void Session::read(Input& in) {
  const ReadRules rules{.masked = side_ == Side::server,
                        .message = service_->settings.message_max,
                        .decompressor = decompressor_ ? &*decompressor_ : nullptr};
  while (conn_.is_open() && may_read()) {
    event_start_ = written_;
    const Event event = reader_->read(in, rules);
    if (event == Event::none) break;
    on_event(event);
  }
}

// While the output is congested, input is read within a bound: see Congestion. After a Close was
// sent it is always read, because the peer's Close must be found in it.
bool Session::may_read() {
  if (paused_) return false;
  return !congestion_.active() || close_sent_ || congestion_.lets_read(conn_.pending_output());
}

// If congestion stops the reading, a timer looks again: the peer may take nothing because it waits
// for this side to read. It must look before ping_interval judges the peer to be gone.
void Session::update_reading() {
  if (may_read()) return conn_.resume();
  conn_.pause();
  if (paused_ || looks_) return;
  looks_ = true;
  stalled_at_ = taken();
  Duration time = congestion_.stall_time();
  const Duration gone_after = service_->settings.ping_interval;
  if (gone_after > Duration::zero()) time = std::min(time, gone_after / 2);
  conn_.run_after(time, [this](Conn&) { check_congestion(); });
}

void Session::check_congestion() {
  looks_ = false;
  if (!congestion_.active()) return;
  if (taken() == stalled_at_) congestion_.stalled();
  update_reading();
}

void Session::on_event(Event event) {
  const Handlers& handlers = service_->handlers;
  switch (event) {
    case Event::none:
      break;
    case Event::message:
      if (is_open() && handlers.message) handlers.message(socket_, reader_->message());
      break;
    case Event::ping:
      if (is_open()) write_frame(Opcode::pong, reader_->control());
      break;
    case Event::pong:
      if (is_open() && handlers.pong) handlers.pong(socket_, reader_->control());
      break;
    case Event::close:
      on_close(reader_->control());
      break;
    case Event::failed:
      fail(reader_->failure());
      break;
  }
}

void Session::on_close(std::string_view payload) {
  CloseCode code = CloseCode::no_status;
  if (!payload.empty()) {
    if (payload.size() < 2) return fail(CloseCode::protocol_error);
    code = static_cast<CloseCode>(static_cast<unsigned char>(payload[0]) << 8U |
                                  static_cast<unsigned char>(payload[1]));
    payload.remove_prefix(2);
    if (!is_close_code(code)) return fail(CloseCode::protocol_error);  // RFC 6455, section 7.4
    if (!Utf8::is_valid(payload)) return fail(CloseCode::invalid_data);
  }
  code_ = code;
  reason_ = payload;
  if (!close_sent_) send_close(code, payload);  // the answer repeats the code (section 5.5.1)
  conn_.close();
}

void Session::drained() {
  congestion_.end();
  if (!paused_) conn_.resume();
  if (is_open() && service_->handlers.drained) call([&] { service_->handlers.drained(socket_); });
}

void Session::draining() { close(CloseCode::going_away, {}); }

void Session::closed(std::error_code error) {
  subscriptions_.clear();
  early_.clear();
  // A server's WebSocket whose 101 could not be written was never opened for the user.
  if (!opened_ && side_ == Side::server) return;
  opened_ = false;
  if (service_->handlers.closed)
    service_->handlers.closed(socket_,
                              {.code = code_, .reason = reason_, .error = error_ ? error_ : error});
}

void Session::fail_handshake(std::string_view why) {
  reason_ = why;
  error_ = std::make_error_code(std::errc::protocol_error);
  conn_.close();
}

WriteResult Session::send(Message message) {
  if (!is_open()) return WriteResult::Kind::dropped;
  const Opcode opcode = opcode_of(message.kind);
  if (!compressor_ || !message.compress ||
      message.bytes.size() < service_->settings.deflate->size_min)
    return write_frame(opcode, message.bytes);
  // A buffer of the thread: it is copied into the output before another WebSocket can use it.
  std::string& compressed = LoopCache::of_this_thread().compressed;
  compressed.clear();
  compressor_->compress(message.bytes, compressed);
  report_held();
  const WriteResult result = write_frame(opcode, compressed, true);
  if (compressed.capacity() > kept) compressed = {};
  return result;
}

WriteResult Session::send(Kind kind, SharedBytes bytes, bool compress) {
  const bool compressed =
      compressor_ && compress && bytes.size() >= service_->settings.deflate->size_min;
  // Masking and compressing both make new bytes: the shared ones cannot be sent as they are.
  if (side_ == Side::client || compressed)
    return send({.bytes = bytes.view(), .kind = kind, .compress = compress});
  if (!is_open()) return WriteResult::Kind::dropped;
  WriteResult result = WriteResult::Kind::accepted;
  LoopCache::of_this_thread().plain_frames.write(
      opcode_of(kind), false, bytes.view(), [&](std::string_view header, std::string_view) {
        result = wrote(header.size(), conn_.write(header));
      });
  const std::size_t size = bytes.size();
  return size == 0 ? result : wrote(size, conn_.write(std::move(bytes)));
}

WriteResult Session::ping(std::string_view payload) {
  if (payload.size() > control_at_most)
    throw std::invalid_argument("evio: the payload of a ping has at most 125 bytes");
  return is_open() ? write_frame(Opcode::ping, payload) : WriteResult::Kind::dropped;
}

void Session::close(CloseCode code, std::string_view reason) {
  check_close(code, reason);
  if (!is_open()) return;
  send_close(code, reason);
  resume();  // the peer's Close must be read
  arm(service_->settings.close_timeout);
  // An empty send completes when all output before it has left, the Close included. Only then does
  // the peer's time to answer begin.
  conn_.handle().send(SharedBytes(), [this](std::error_code error) {
    if (error) return;
    close_left_ = true;
    arm(service_->settings.close_timeout);
  });
}

void Session::pause() {
  paused_ = true;
  update_reading();
}

void Session::resume() {
  paused_ = false;
  update_reading();
}

// A handle of a client's WebSocket can be used before the handshake is complete.
void Session::run(Callback<void(WebSocket&)> fn) {
  if (opened_)
    call([&] { fn(socket_); });
  else
    early_.push_back(std::move(fn));
}

WriteResult Session::write_frame(Opcode opcode, std::string_view payload, bool compressed) {
  LoopCache& loop_cache = LoopCache::of_this_thread();
  FrameWriter& frames = side_ == Side::server ? loop_cache.plain_frames : loop_cache.masked_frames;
  WriteResult result = WriteResult::Kind::accepted;
  frames.write(opcode, compressed, payload, [&](std::string_view header, std::string_view bytes) {
    result = wrote(header.size() + bytes.size(), conn_.write({header, bytes}));
  });
  return result;
}

// Counts the output, and begins a congestion when the output exceeds output_high. Its growth counts
// from what waited before the present event, so that the answers to that event are a part of it.
WriteResult Session::wrote(std::size_t bytes, WriteResult result) {
  written_ += bytes;
  if (result || congestion_.active() || !conn_.is_open()) return result;
  congestion_.begin(conn_.limits().output_high);
  const std::size_t waiting = conn_.pending_output();
  if (in_event_)
    congestion_.count_from(waiting - std::min<std::uint64_t>(waiting, written_ - event_start_));
  conn_.set({.read_when_congested = true});
  return result;
}

// A number that grows whenever the kernel takes output or the peer acknowledges some. The kernel's
// send buffer holds megabytes, and the kernel accepts more only after a third of them has left.
// With a slow peer that can take long, so the acknowledged bytes must count too.
std::uint64_t Session::taken() const noexcept {
  const std::uint64_t waiting = conn_.pending_output();
  return written_ - std::min(written_, waiting) + http::acknowledged(conn_.native_handle());
}

void Session::send_close(CloseCode code, std::string_view reason) {
  const auto number = static_cast<std::uint16_t>(code);
  std::array<char, control_at_most> payload{static_cast<char>(number >> 8U),
                                            static_cast<char>(number)};
  reason.copy(payload.data() + 2, payload.size() - 2);
  write_frame(Opcode::close,
              {payload.data(), code == CloseCode::no_status ? 0 : 2 + reason.size()});
  close_sent_ = true;
}

// Ends the WebSocket because the peer violated the protocol or a handler threw: sends a Close and
// does not wait for the answer (RFC 6455, section 7.1.7).
void Session::fail(CloseCode code) {
  if (!close_sent_) send_close(code, {});
  code_ = code;
  conn_.close();
}

void Session::arm(Duration time) {
  if (timer_.active())
    timer_.restart(time);
  else
    timer_ = conn_.set_deadline(time, [this](Conn&) { watch(); });
}

// The timer. A peer that has received nothing of waiting output for a whole interval, or has sent
// nothing since a ping, is gone; one that has not answered a Close in time is not waited for. The
// ping proves nothing while output waits, because it is sent after that output, or while the user
// has paused the reading, because the pong is not read.
void Session::watch() {
  const bool waited = std::exchange(waited_, conn_.pending_output() > 0);
  const std::uint64_t before = std::exchange(taken_, taken());
  const bool stuck = waited && waited_ && before == taken_;
  if (stuck || (pinged_ && !close_sent_ && !waited_ && !paused_)) {
    error_ = std::make_error_code(std::errc::timed_out);
    return conn_.abort();
  }
  if (close_left_) return conn_.close();
  if (close_sent_) return timer_.restart(service_->settings.close_timeout);
  const bool silent = !std::exchange(heard_, false) && !paused_;
  pinged_ = silent && !waited_;  // a ping would wait behind the output
  if (pinged_) write_frame(Opcode::ping, {});
  timer_.restart(service_->settings.ping_interval);
}

// Calls a handler. If it throws, the peer gets a Close with 1011, and the exception goes on to the
// connection, which reports it to Events::failed.
template <class Call>
void Session::call(Call&& user_call) {
  try {
    user_call();
  } catch (...) {
    fail(CloseCode::internal_error);
    throw;
  }
}

}}}  // namespace evio::v0::websocket
