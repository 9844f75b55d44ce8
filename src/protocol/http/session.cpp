// An HTTP connection: reads requests, and has them answered one after the other.
#include "protocol/http/session.hpp"

#include <algorithm>
#include <evio/loop.hpp>
#include <utility>

#include "protocol/http/service.hpp"

namespace evio::inline v1::http {

using Phase = Exchange::Phase;
using Read = RequestParser::State;

Session::Session(Conn& conn, Service& service) : conn_(conn), service_(service), worker_(service.worker(conn.loop())) {}
Session::~Session() = default;

const Settings& Session::settings() const noexcept { return service_.settings(); }
Session::Time Session::now() const noexcept { return conn_.loop().now(); }
std::string_view Session::common_fields() { return worker_.common_fields(settings()); }

Gzip& Session::gzip() { return worker_.gzip(); }

Action Session::data(Input& in) {
  if (upgraded_ && greeted_) return upgraded_->data(conn_, in);
  while (step(in)) {
  }
  if (upgraded_) return begin_upgraded(in);
  if (exchange_) {
    exchange_->own();
    if (exchange_->phase == Phase::answering && !in.empty() && !paused_) {
      paused_ = true;
      conn_.pause();
    }
  }
  finish();
  return Action::none;
}

Action Session::begin_upgraded(Input& in) {
  flush();
  greeted_ = true;
  Action action = upgraded_->opened(conn_);
  if (drains_ && action == Action::none) action = upgraded_->draining(conn_);
  if (action != Action::none || in.empty() || !conn_.is_open()) return action;
  return upgraded_->data(conn_, in);
}

Action Session::draining() {
  drains_ = true;
  return upgraded_ && greeted_ ? upgraded_->draining(conn_) : Action::none;
}

Action Session::drained() {
  ready_ = true;
  since_ = now();  // nothing was read meanwhile
  if (upgraded_) return upgraded_->drained(conn_);
  if (exchange_ && (exchange_->phase == Phase::answering || exchange_->streamed())) settle();
  finish();
  return Action::none;
}

Action Session::ended(Input& in) {
  if (upgraded_) return upgraded_->ended(conn_, in);
  peer_ended_ = true;
  return exchange_ && exchange_->phase == Phase::answering ? Action::none : Action::close;
}

void Session::closed(std::error_code error) {
  if (upgraded_) upgraded_->closed(conn_, error);
  if (exchange_) worker_.release(std::move(exchange_));
}

// One step on. False: nothing more can be done now.
bool Session::step(Input& in) {
  if (closing_) in.take();
  if (closing_ || upgraded_ || !ready_) return false;
  if (!exchange_ || exchange_->phase == Phase::header)
    while (in.view().starts_with("\r\n")) in.consume(2);  // RFC 9112 section 2.2
  if (!exchange_) {
    if (in.empty()) return false;
    exchange_ = worker_.acquire(*this);
    since_ = now();
  }
  switch (exchange_->phase) {
    case Phase::header:
      return read_header(in);
    case Phase::body:
      return read_body(in);
    case Phase::answering:
      return false;
  }
  return false;
}

bool Session::read_header(Input& in) {
  Exchange& x = *exchange_;
  std::size_t used = 0;
  const Read read = x.parser.read_header(in.view(), settings(), x.message, used);
  if (read == Read::partial) {
    arm(settings().header_time);
    return false;
  }
  x.head = x.message.method == "HEAD";
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
  if (!x.found.route && x.message.expects_continue) return dispatch();
  return limit_body(settings().body);
}

// False: it is refused.
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
  x.body_limit = settings().streamed_body;
  const bool goes_on = dispatch();
  if (exchange_.get() != &x) return goes_on;  // it is over
  if (x.complete) return deliver({}) && goes_on;
  if (!limit_body(x.body_limit)) return false;
  if (x.receiver) x.tell_to_go_on();
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
    if (in.empty() && !x.streamed()) x.tell_to_go_on();
    arm(settings().body_time);
    return false;
  }
  in.consume(used);
  earn(piece.size());
  if (read == Read::end) x.end_request();
  if (!x.streamed()) {
    if (x.found.route) x.add_body(piece);
    return read == Read::end ? dispatch() : true;
  }
  if (!piece.empty() && !deliver(piece)) return false;
  return read != Read::end || !exchange_ || deliver({});
}

// Hands a piece of the body, or its end, to who receives it. False: nothing more can be done now.
bool Session::deliver(std::string_view piece) {
  Exchange& x = *exchange_;
  if (x.receiver) {
    BodyHandler receiver = std::move(x.receiver);
    call([&] { receiver(x.request, x.response, piece); });
    if (!piece.empty() && !x.receiver) x.receiver = std::move(receiver);
  }
  return settle();
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
  return settle();
}

template <class Call>
void Session::call(Call&& user_call) {
  try {
    user_call();
  } catch (...) {
    exchange_->closes = true;
    if (!exchange_->begun) exchange_->send_failure();
    flush();
    throw;
  }
}

// Behind each call of the user's. False: nothing more can be done now.
bool Session::settle() {
  produce();
  Exchange& x = *exchange_;
  if (x.said_all() && !x.ended) x.end();
  const bool awaited = x.producer || x.receiver || !x.token.expired();
  if (!x.ended && !awaited && !(x.phase == Phase::body && x.begun)) fail();
  if (x.ended) complete();
  return !closing_ && !upgraded_;
}

// Nobody is left who would answer.
void Session::fail() {
  if (exchange_->begun)
    closing_ = true;
  else
    exchange_->send_failure();
}

void Session::produce() {
  Exchange& x = *exchange_;
  while (x.producer && !x.said_all() && ready_ && conn_.is_open()) {
    const std::uint64_t before = x.written;
    Handler<void(Response&)> producer = std::move(x.producer);
    call([&] { producer(x.response); });
    if (!x.producer && !x.ended) x.producer = std::move(producer);
    if (x.written == before) return;
  }
}

void Session::complete() {
  const bool resumes = paused_ || exchange_->paused;
  closing_ = exchange_->closes || peer_ended_;
  upgraded_ = std::move(exchange_->next);
  if (const auto token = exchange_->token.lock()) token->number = 0;
  worker_.release(std::move(exchange_));
  ++number_;
  since_ = now();
  paused_ = resumes && upgraded_;  // see finish
  if (resumes && !upgraded_ && !closing_) conn_.resume();
}

void Session::refuse(int status) {
  Exchange& x = *exchange_;
  x.closes = true;
  if (x.begun) {
    closing_ = true;
    return;
  }
  x.send(status);
  complete();
}

bool Session::answer(std::uint64_t number, const Handler<void(Response&)>& fn) {
  if (!exchange_ || number != number_ || exchange_->ended) return false;
  call([&] { fn(exchange_->response); });
  settle();
  finish();
  return exchange_ && number == number_;
}

void Session::abandoned(std::uint64_t number) {
  if (!exchange_ || number != number_) return;
  settle();
  finish();
}

void Session::resume() {
  exchange_->paused = false;
  since_ = now();
  conn_.resume();
}

void Session::put_alone(std::string_view bytes) {
  flush();
  written_ += bytes.size();
  ready_ = conn_.write(bytes);
}

void Session::put(Buffer bytes) {
  if (bytes.size() <= Batch::piece_max) return put(bytes.view());
  flush();
  written_ += bytes.size();
  ready_ = conn_.write(std::move(bytes));
}

void Session::flush() {
  const std::string_view bytes = worker_.batch.view();
  if (bytes.empty()) return;
  worker_.batch.clear();  // first: what cannot be written must not leave with another connection's
  written_ += bytes.size();
  ready_ = conn_.write(bytes);
}

// At the end of each call from the connection.
void Session::finish() {
  flush();
  if (closing_) conn_.close();
  if (!ready_) expect_within(settings().send_time);
  if (!upgraded_ || greeted_) return;  // else `data` goes on with it
  if (paused_)
    conn_.resume();
  else
    conn_.handle().wake();
}

}  // namespace evio::inline v1::http
