// One HTTP connection of a server: reads requests and passes them to handlers one after the other.
#include "protocol/http/session.hpp"

#include <algorithm>
#include <evio/loop.hpp>
#include <utility>

#include "protocol/http/progress.hpp"
#include "protocol/http/service.hpp"

namespace evio { inline namespace v0 { namespace http {

using Phase = Exchange::Phase;
using Read = RequestParser::State;

namespace {

// Says during a scope what input is being read. The input is borrowed from the connection: it must
// not be used after `data` has returned, also not if a handler throws.
class BorrowedInput {
 public:
  BorrowedInput(LoopCache& cache, const Session& reader, const Input& in) noexcept : cache_(cache) {
    cache_.reader = &reader;
    cache_.input = &in;
  }
  BorrowedInput(const BorrowedInput&) = delete;
  ~BorrowedInput() { cache_.reader = nullptr; }

 private:
  LoopCache& cache_;
};

}  // namespace

Session::Session(Conn& conn, Service& service)
    : conn_(conn), service_(service), loop_cache_(service.loop_cache(conn.loop())) {}
Session::~Session() = default;

const Settings& Session::settings() const noexcept { return service_.settings(); }
Session::Time Session::now() const noexcept { return conn_.loop().now(); }
std::string_view Session::common_fields() { return loop_cache_.common_fields(settings()); }
std::chrono::sys_seconds Session::date() { return loop_cache_.date(settings()); }

Gzip& Session::gzip() { return loop_cache_.gzip(); }

Action Session::data(Input& in) {
  if (greeted_) return upgraded_->data(conn_, in);
  {
    const BorrowedInput borrowed(loop_cache_, *this, in);
    while (step(in)) {
    }
    if (!upgraded_) {
      if (exchange_) exchange_->own_request_bytes();
      finish();
      return Action::none;
    }
  }
  return begin_upgraded();
}

// The bytes after the request belong to the new protocol. pause() and resume() make the connection
// call `data` with them after `opened`, and `opened` may still pause() to receive them later.
Action Session::begin_upgraded() {
  flush();
  conn_.set_held(held());
  greeted_ = true;
  conn_.pause();
  conn_.resume();
  const Action action = upgraded_->opened(conn_);
  return action == Action::none && draining_ && conn_.is_open() ? upgraded_->draining(conn_)
                                                                : action;
}

Action Session::drained() {
  ready_ = true;
  since_ = now();  // nothing was read while the output was congested: the client had no chance
  put_rest();
  if (upgraded_) return greeted_ ? upgraded_->drained(conn_) : Action::none;
  if (exchange_ && (exchange_->phase == Phase::answering || exchange_->streamed())) update();
  finish();
  return Action::none;
}

Action Session::ended(Input& in) {
  if (upgraded_) return upgraded_->ended(conn_, in);
  peer_ended_ = true;
  // A client may shut down its side after its request and still wait for the answer.
  if (exchange_ && exchange_->phase == Phase::answering) return Action::none;
  closing_ = true;
  finish();
  return Action::none;
}

// Completes an answer that has begun and a request that has begun to arrive. A client that has only
// just connected gets a short time for its first request: closing at once would be a reset for one
// whose request is already on its way.
Action Session::draining() {
  constexpr auto first_request_time =
      std::chrono::milliseconds(250);  // for a client that has only just connected
  draining_ = true;
  if (greeted_) return upgraded_->draining(conn_);
  const Duration timeout = number_ > 1 ? Duration::zero() : first_request_time;
  conn_.set_deadline(timeout, [](Conn& conn) { conn.context<Session>()->close_if_idle(); });
  return Action::none;
}

// The kernel is asked too: a request that has arrived but was not read yet must be answered.
bool Session::ends() const noexcept {
  return draining_ && !has_input() && !has_unread(conn_.native_handle());
}

void Session::close_if_idle() {
  if (exchange_ || upgraded_ || has_input()) return;
  closing_ = true;
  finish();
}

void Session::closed(std::error_code error) {
  if (upgraded_) upgraded_->closed(conn_, error);
  if (exchange_) loop_cache_.release(std::move(exchange_));
}

// Makes one step with the input. False: nothing more can be done now.
bool Session::step(Input& in) {
  if (closing_) in.take();  // discarded, so that it does not reach Limits::input_max
  if (closing_ || upgraded_ || !ready_) return false;
  if (!exchange_ || exchange_->phase == Phase::header)
    while (in.view().starts_with("\r\n")) in.consume(2);  // RFC 9112, section 2.2
  if (!exchange_) {
    if (in.empty()) return false;
    exchange_ = loop_cache_.acquire(*this);
    since_ = now();
  }
  switch (exchange_->phase) {
    case Phase::header:
      return read_header(in);
    case Phase::body:
      return read_body(in);
    case Phase::answering:
      return exchange_->end_due && !exchange_->paused && deliver_end();
  }
  return false;
}

bool Session::read_header(Input& in) {
  Exchange& x = *exchange_;
  std::size_t used = 0;
  const Read read = x.parser.read_header(in.view(), settings(), x.message, used);
  if (read == Read::partial) {
    arm(settings().header_timeout);
    return false;
  }
  x.head = x.message.method == "HEAD";
  x.tunnel = x.message.method == "CONNECT";
  if (read == Read::refused) {
    refuse(x.parser.status());
    return false;
  }
  in.consume(used);
  x.found = service_.find(x.message.method, x.message.path, x.message.params);
  x.phase = Phase::body;
  since_ = now();
  if (!x.message.has_body()) x.end_request();
  if (x.streamed()) return begin_streamed();
  if (x.complete) return dispatch();
  // 404 or 405 before the body is sent, so that the client need not send it.
  if (!x.found.route && x.message.expects_continue) return dispatch();
  return limit_body(settings().body_max);
}

// False: the request was refused, because its Content-Length is beyond the limit. The length of a
// chunked body is checked by the parser as it arrives.
bool Session::limit_body(std::uint64_t bytes) {
  Exchange& x = *exchange_;
  if (x.message.length.value_or(0) > bytes) {
    refuse(413);
    return false;
  }
  x.parser.limit_body(bytes);
  return true;
}

bool Session::begin_streamed() {
  Exchange& x = *exchange_;
  x.body_limit = settings().streamed_body_max;
  const bool goes_on = dispatch();
  if (exchange_.get() != &x) return goes_on;  // the handler has answered, and x is released
  if (x.complete) return deliver_end() && goes_on;
  if (!limit_body(x.body_limit)) return false;
  if (x.receiver) x.send_100_continue();
  return true;
}

bool Session::read_body(Input& in) {
  Exchange& x = *exchange_;
  if (x.paused) return false;
  std::size_t used = 0;
  const auto [read, piece] = x.parser.read_body(in.view(), settings(), used);
  if (read == Read::refused) {
    refuse(x.parser.status());
    return false;
  }
  if (read == Read::partial) {
    // Only a client that sends nothing waits for it. A streamed request gets it from receive().
    if (in.empty() && !x.streamed()) x.send_100_continue();
    arm(settings().body_timeout);
    return false;
  }
  in.consume(used);
  credit_body_bytes(piece.size());
  if (read == Read::end) x.end_request();
  if (!x.streamed()) {
    if (x.found.route) x.add_body(piece);
    return read == Read::end ? dispatch() : true;
  }
  if (!piece.empty() && !deliver(piece)) return false;
  return read != Read::end || !exchange_ || deliver_end();
}

// Passes a piece of the body, or its end (an empty piece), to the BodyHandler. False: nothing more
// can be done now. The handler is moved out during its call, because the call may set another one.
bool Session::deliver(std::string_view piece) {
  Exchange& x = *exchange_;
  if (x.receiver) {
    BodyHandler receiver = std::move(x.receiver);
    call([&] { receiver(x.request, x.response, piece); });
    if (!piece.empty() && !x.receiver) x.receiver = std::move(receiver);
  }
  return update();
}

// While the user has paused the body, its end waits too.
bool Session::deliver_end() {
  Exchange& x = *exchange_;
  x.end_due = x.paused && x.receiver;
  return !x.end_due && deliver({});
}

bool Session::dispatch() {
  Exchange& x = *exchange_;
  if (x.found.route) {
    call([&] { x.found.route->handler(x.request, x.response); });
  } else if (x.found.allow.empty()) {
    x.send(404);
  } else {
    x.response.add("Allow", x.found.allow).send(405);
  }
  return update();
}

// Calls a handler. If it throws, the client gets a 500 where that is still possible, and the
// exception goes on to the connection, which closes and reports it to Events::failed.
template <class Call>
void Session::call(Call&& user_call) {
  try {
    user_call();
  } catch (...) {
    exchange_->close_after = closing_ = true;
    if (!exchange_->head_sent) exchange_->refuse(500);
    flush();
    throw;
  }
}

// Runs after each call of a handler: decides whether the answer is complete, is still expected from
// somebody, or has been forgotten. False: nothing more can be done now.
bool Session::update() {
  produce();
  Exchange& x = *exchange_;
  if (x.is_done() && !x.ended) x.end();
  const bool awaited = x.producer || x.receiver || !x.token.expired();
  if (!x.ended && !awaited && !(x.phase == Phase::body && x.head_sent)) fail();
  if (x.ended && !rest_) complete();
  return !closing_ && !upgraded_;
}

// No handler, producer or ResponseHandle remains that could answer: the client would wait forever.
// If the answer has begun, only closing tells the client that it is not complete.
void Session::fail() {
  if (exchange_->head_sent)
    closing_ = true;
  else
    exchange_->refuse(500);
}

// A producer that writes nothing waits for something: calling it again at once would be a busy
// loop.
void Session::produce() {
  Exchange& x = *exchange_;
  while (x.producer && !x.is_done() && ready_ && conn_.is_open()) {
    const std::uint64_t before = x.written;
    Callback<void(Response&)> producer = std::move(x.producer);
    call([&] { producer(x.response); });
    if (!x.producer && !x.ended) x.producer = std::move(producer);
    if (x.written == before) return;
  }
}

void Session::complete() {
  closing_ = exchange_->close_after || peer_ended_ || ends();
  unread_ = !exchange_->complete;
  upgraded_ = std::move(exchange_->next);
  if (const auto token = exchange_->token.lock()) token->number = 0;  // handles need not report
  loop_cache_.release(std::move(exchange_));
  ++number_;
  since_ = now();
}

// After an invalid request the end of the message is unknown, so the connection cannot be reused.
void Session::refuse(int status) {
  Exchange& x = *exchange_;
  x.close_after = true;
  if (x.head_sent) {
    closing_ = true;
    return;
  }
  x.refuse(status);
  update();
}

bool Session::answer(std::uint64_t number, const Callback<void(Response&)>& fn) {
  if (!exchange_ || number != number_ || exchange_->ended) return false;
  call([&] { fn(exchange_->response); });
  update();
  finish();
  return exchange_ && number == number_;
}

void Session::abandoned(std::uint64_t number) {
  if (!exchange_ || number != number_) return;
  update();
  finish();
}

void Session::pause() {
  exchange_->paused = true;
  update_reading();
}

void Session::resume() {
  exchange_->paused = false;
  since_ = now();
  if (exchange_->end_due) conn_.handle().wake();  // there may be no input that would call `data`
  update_reading();
}

// The connection is paused while the user has paused the body, and while the next request waits for
// the present answer to end: otherwise a client could fill the input with pipelined requests.
// `data` is called again as soon as neither is the case.
void Session::update_reading() {
  const bool held_back = exchange_ && exchange_->paused;
  const bool behind =
      has_input() && (!ready_ || (exchange_ && exchange_->phase == Phase::answering));
  if (held_back || behind)
    conn_.pause();
  else
    conn_.resume();
}

bool Session::has_input() const noexcept {
  if (loop_cache_.reader == this) return !loop_cache_.input->empty();
  return conn_.pending_input() > 0;
}

// Writes as much as the connection may store and stores the rest here. Otherwise an answer of more
// than Limits::output_max would close the connection.
void Session::put_alone(std::string_view bytes) {
  flush();
  written_ += bytes.size();
  const std::string_view first = bytes.substr(0, room());
  if (!first.empty()) ready_ = static_cast<bool>(conn_.write(first));
  if (first.size() < bytes.size()) store_rest(SharedBytes(std::string(bytes.substr(first.size()))));
}

void Session::put(SharedBytes bytes) {
  if (bytes.size() <= Batch::piece_max) return put(bytes.view());
  flush();
  written_ += bytes.size();
  pass_on(bytes);
}

void Session::pass_on(const SharedBytes& bytes) {
  const SharedBytes first = bytes.part(0, room());
  if (first.size() > 0) ready_ = static_cast<bool>(conn_.write(first));
  if (first.size() < bytes.size()) store_rest(bytes.part(first.size()));
}

std::size_t Session::room() const noexcept {
  const std::size_t most = conn_.limits().output_max;
  return rest_ ? 0 : most - std::min(most, conn_.pending_output());
}

void Session::store_rest(SharedBytes bytes) {
  if (!rest_ && ready_) await_room();
  if (!rest_) rest_ = std::make_unique<std::vector<SharedBytes>>();
  rest_->push_back(std::move(bytes));
  ready_ = false;
}

// Waits until the connection's output has left. `drained` alone is not enough: it follows only
// after output_high was exceeded, and if Limits::output_max is not above output_high, that never
// happens.
void Session::await_room() {
  conn_.handle().send(SharedBytes(), [this](std::error_code error) {
    if (!error) drained();
  });
}

void Session::put_rest() {
  const auto rest = std::exchange(rest_, nullptr);
  if (!rest) return;
  for (const SharedBytes& each : *rest) pass_on(each);
}

void Session::flush() {
  const std::string_view bytes = loop_cache_.batch.view();
  if (bytes.empty()) return;
  // Cleared before the write: if that throws, the bytes must not leave with the next connection's.
  // The view stays valid, because the batch's memory does not move.
  loop_cache_.batch.clear();
  put_alone(bytes);
}

// The bytes of memory for a request that has arrived in part and for output that waits here. They
// count in Limits::memory_max.
std::size_t Session::held() const noexcept {
  std::size_t size = exchange_ ? exchange_->held() : 0;
  if (!rest_) return size;
  for (const SharedBytes& each : *rest_) size += each.size();
  return size;
}

// Runs at the end of each event: writes the batch and decides what the connection waits for.
void Session::finish() {
  flush();
  conn_.set_held(held());
  if (closing_ && !rest_) end();
  if (!ready_) {
    if (!waited_) stalled();  // records the present progress: the time begins now
    expect_within(settings().send_timeout);
  }
  if (greeted_) return;
  if (!upgraded_) return update_reading();
  // Upgraded::opened must not run inside a ResponseHandle's post or a timer. The wake calls `data`,
  // which goes on; until then no other input may be passed.
  conn_.pause();
  conn_.handle().wake();
}

// Closes the connection. If the client is still sending, only the writing side is shut down and the
// input is discarded for a while: closing a socket with unread input is a reset, which could
// destroy the answer before the client has read it (RFC 9112, section 9.6).
void Session::end() {
  if (!unread_) return conn_.close();
  if (std::exchange(ended_, true)) return;
  conn_.shutdown_write();
  conn_.run_after(conn_.limits().linger_timeout, [](Conn& conn) { conn.close(); });
}

}}}  // namespace evio::v0::http
