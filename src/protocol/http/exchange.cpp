// One request and its answer: what is stored of the request, and how the answer is written.
#include "protocol/http/exchange.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "protocol/http/date.hpp"
#include "protocol/http/session.hpp"
#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

namespace {

constexpr int reset_content = 205;  // must have no body (RFC 9110, section 15.3.6)

// The capacity that a string may keep for the next request. More would let one large request bind
// memory for as long as the loop runs.
constexpr std::size_t kept_capacity = 16 << 10;

void clear_string(std::string& text) noexcept {
  text.clear();
  if (text.capacity() > kept_capacity) text = std::string();
}

void append_field(std::string& to, std::string_view name, std::string_view value) {
  to.append("\r\n").append(name).append(": ").append(value);
}

// A number as text, without an allocation.
class Number {
 public:
  explicit Number(std::uint64_t value, int base = 10) noexcept
      : end_(std::to_chars(digits_, std::end(digits_), value, base).ptr) {}
  std::string_view view() const noexcept {
    return {digits_, static_cast<std::size_t>(end_ - digits_)};
  }

 private:
  char digits_[20];
  char* end_;
};

}  // namespace

ResponseToken::~ResponseToken() {
  if (number == 0) return;
  conn.post([of = number](Conn& c) {
    if (auto* session = c.context<Session>()) session->abandoned(of);
  });
}

void Exchange::clear() noexcept {
  session = nullptr;
  phase = Phase::header;
  parser.reset();
  message.clear();
  found = {};
  for (std::string* each : {&header_copy, &body, &trailer_bytes, &type, &fields, &answer_trailers})
    clear_string(*each);
  whole_body = {};
  trailers.clear();
  receiver = {};
  body_limit = length = written = 0;
  etag_at = 0;
  status = 200;
  framing = Framing::none;
  paused = end_due = complete = head = tunnel = has_length = encoded = varies = head_sent = ended =
      close_after = false;
  token.reset();
  producer = {};
  next.reset();
  gzip.reset();
}

// During Phase::header nothing has been parsed yet: the bytes stay in the connection's input.
void Exchange::own_request_bytes() {
  if (phase == Phase::header) return;
  if (message.bytes.data() != header_copy.data()) message.move_to(header_copy);
  if (whole_body.data() == body.data()) return;
  body.assign(whole_body);
  whole_body = body;
}

void Exchange::add_body(std::string_view piece) {
  if (piece.empty()) return;
  if (message.length == piece.size()) {  // the whole body at once needs no copy
    whole_body = piece;
    return;
  }
  body += piece;
  whole_body = body;
}

std::size_t Exchange::held() const noexcept {
  constexpr std::size_t of_parser = 1 << 10;  // an estimate of Beast's parser
  std::size_t size = sizeof(Exchange) + of_parser;
  for (const std::string* each : {&header_copy, &body, &trailer_bytes, &fields})
    size += each->capacity();
  return size;
}

// The parser's trailers are views of the borrowed input: they are copied into one string first, and
// the views are made when that string no longer grows.
void Exchange::end_request() {
  complete = true;
  phase = Phase::answering;
  if (parser.trailers().empty() || !message.chunked) return;
  for (const Field& field : parser.trailers()) trailer_bytes.append(field.name).append(field.value);
  std::size_t at = 0;
  const auto next_view = [&](std::size_t size) {
    return std::string_view(trailer_bytes).substr(std::exchange(at, at + size), size);
  };
  for (const Field& field : parser.trailers()) {
    const std::string_view name = next_view(field.name.size());
    trailers.push_back({name, next_view(field.value.size())});
  }
}

// Other handlers run after the body has arrived: a receiver would never be called.
void Exchange::receive(BodyHandler fn) {
  if (!streamed())
    throw std::logic_error(
        "evio: Request::receive is for handlers of Router::stream; others have body()");
  receiver = std::move(fn);
}

void Exchange::send_100_continue() {
  if (std::exchange(message.expects_continue, false) && !head_sent)
    session->put("HTTP/1.1 100 Continue\r\n\r\n");
}

void Exchange::check_unbegun() const {
  if (head_sent) throw std::logic_error("evio: this HTTP answer has begun already");
}

// The fields that decide where a message ends are written here only: a handler that could set them,
// or put a line's end into a value, could make the client read a second answer out of the first.
void Exchange::add_field(std::string& to, std::string_view name, std::string_view value) {
  constexpr std::array<std::string_view, 6> own_fields{
      "connection", "content-length", "transfer-encoding", "trailer", "date", "server"};
  if (!is_token(name) || !is_field_value(value))
    throw std::invalid_argument("evio: not a valid HTTP field: \"" + std::string(name) + "\": \"" +
                                std::string(value) + "\"");
  if (std::ranges::any_of(own_fields, [&](std::string_view own_request_bytes) {
        return iequals(own_request_bytes, name);
      }))
    throw std::invalid_argument("evio: " + std::string(name) + " is written by evio itself");
  if (&to == &answer_trailers) return append_field(to, name, value);
  if (iequals(name, "content-encoding")) encoded = true;
  if (iequals(name, "vary") && has_token(value, "accept-encoding")) varies = true;
  // Upgrade is a field of this connection only, and must be named in Connection (section 7.8).
  if (iequals(name, "upgrade")) append_field(to, "Connection", "Upgrade");
  if (iequals(name, "etag")) etag_at = to.size() + name.size() + 4;
  // A time in the future, from a file or another clock, becomes that of Date (RFC 9110, section
  // 8.8.2.1): a cache could not compare it.
  if (iequals(name, "last-modified") && parse_date(value) > session->date())
    return append_field(to, name, date_text(session->date()));
  append_field(to, name, value);
}

void Exchange::set_type(std::string_view content_type) {
  check_unbegun();
  if (!is_field_value(content_type)) throw std::invalid_argument("evio: not a valid Content-Type");
  type = content_type;
}

// Decides whether a body of at least `size` bytes is sent compressed, and adds the fields that say
// so. Vary is added also for clients that do not accept gzip: a cache must not give them the
// compressed body (RFC 9110, section 12.5.5). A partial body (206) is a range of the identity form.
bool Exchange::compresses(std::size_t size) {
  const Settings& settings = session->settings();
  if (size < settings.gzip_size_min || !settings.gzip || encoded || status == 206 ||
      !may_have_body())
    return false;
  if (!is_compressible(type)) return false;
  if (!varies) fields += "\r\nVary: Accept-Encoding";
  if (!accepts_gzip(request)) return false;
  fields += "\r\nContent-Encoding: gzip";
  weaken_etag();
  return true;
}

// A strong ETag promises equal bytes, which a compressed body does not have (RFC 9110, section
// 8.8.1).
void Exchange::weaken_etag() {
  if (etag_at > 0 && fields[etag_at] == '"') fields.insert(etag_at, "W/");
}

void Exchange::begin_whole(std::size_t size) {
  framing = Framing::length;
  length = size;
  write_header();
}

void Exchange::send(std::string_view content_type, std::string_view bytes) {
  set_type(content_type);
  if (compresses(bytes.size())) return send_compressed(bytes);
  begin_whole(bytes.size());
  if (sends_body()) session->put(bytes);
  ended = true;
}

void Exchange::send(std::string_view content_type, SharedBytes bytes) {
  set_type(content_type);
  if (compresses(bytes.size())) return send_compressed(bytes.view());
  begin_whole(bytes.size());
  if (sends_body()) session->put(std::move(bytes));
  ended = true;
}

void Exchange::send_compressed(std::string_view bytes) {
  std::string compressed;
  session->gzip().compress(bytes, true, compressed);
  begin_whole(compressed.size());
  if (!head) session->put(SharedBytes(std::move(compressed)));
  ended = true;
}

void Exchange::send(int with_status) {
  response.status(with_status);
  send("text/plain", reason_of(with_status));
}

void Exchange::refuse(int with_status) {
  fields.clear();
  encoded = varies = false;
  etag_at = 0;
  send(with_status);
}

// Writes the header before the first piece. Whether the body is worth compressing is not known yet;
// a body in pieces is assumed to be. With a length() it cannot be, because the length would change.
void Exchange::begin_pieces() {
  if (ended) throw std::logic_error("evio: this HTTP answer has ended already");
  if (head_sent) return;
  if (has_length)
    framing = Framing::length;
  else
    framing = message.version > 10 ? Framing::chunked : Framing::until_close;
  if (framing == Framing::chunked && compresses(session->settings().gzip_size_min))
    gzip = std::make_unique<Gzip>();
  write_header();
}

// Checks a piece and writes what is before it. An empty chunk would end the body (RFC 9112, section
// 7.1), so an empty piece is not written.
void Exchange::begin_piece(std::size_t size) {
  if (session->overfull())
    throw std::length_error(
        "evio: more than Limits::output_max waits to be sent; stop when write() returns false");
  if (framing == Framing::length && size > length)
    throw std::logic_error("evio: more than Response::length() was written");
  if (framing == Framing::length) length -= size;
  written += size;
  if (framing == Framing::chunked && size > 0 && sends_body()) {
    session->put(Number(size, 16).view());
    session->put("\r\n");
  }
}

WriteResult Exchange::end_piece() {
  if (framing == Framing::chunked) session->put("\r\n");
  return session->write_result();
}

WriteResult Exchange::write(std::string_view piece) {
  begin_pieces();
  if (gzip) return write_compressed(piece, false);
  begin_piece(piece.size());
  if (!sends_body()) return WriteResult::Kind::dropped;
  if (piece.empty()) return session->write_result();
  session->put(piece);
  return end_piece();
}

WriteResult Exchange::write(SharedBytes piece) {
  begin_pieces();
  if (gzip) return write_compressed(piece.view(), false);
  begin_piece(piece.size());
  if (!sends_body()) return WriteResult::Kind::dropped;
  if (piece.size() == 0) return session->write_result();
  session->put(std::move(piece));
  return end_piece();
}

// For a chunked body. Each piece is flushed, so that the client can use it at once.
WriteResult Exchange::write_compressed(std::string_view piece, bool last) {
  if (head) return WriteResult::Kind::dropped;
  if (piece.empty() && !last) return session->write_result();
  std::string compressed;
  gzip->compress(piece, last, compressed);
  begin_piece(compressed.size());
  session->put(SharedBytes(std::move(compressed)));
  return end_piece();
}

void Exchange::end() {
  if (!head_sent && !has_length) {  // no piece was written: Content-Length: 0 instead of chunks
    has_length = true;
    length = 0;
  }
  begin_pieces();
  if (gzip) write_compressed({}, true);
  // A body shorter than its Content-Length: only closing keeps the next answer from being read as
  // the rest of this one.
  if (framing == Framing::length && length > 0 && sends_body()) close_after = true;
  if (framing == Framing::chunked && sends_body()) {
    session->put("0");
    session->put(answer_trailers);
    session->put("\r\n\r\n");
  }
  ended = true;
}

// The usual status is one piece.
void Exchange::put_status_line() {
  if (status == 200) return session->put("HTTP/1.1 200 OK");
  session->put("HTTP/1.1 ");
  session->put(Number(static_cast<std::uint64_t>(status)).view());
  session->put(" ");
  session->put(reason_of(status));
}

// Writes the status line and all fields. Which framing the body has was decided before (RFC 9112,
// section 6.3); a status without a body has neither Content-Length nor Transfer-Encoding, except
// 205.
void Exchange::write_header() {
  // wall_clock may throw: ask for the fields before anything is written.
  const std::string_view common_fields = session->common_fields();
  head_sent = true;
  // After a 2xx answer to CONNECT the client would send tunnelled bytes, which are not requests.
  const bool becomes_tunnel = tunnel && status < 300;
  close_after = close_after || !message.keep_alive || !complete ||
                framing == Framing::until_close || becomes_tunnel || session->ends();
  put_status_line();
  session->put(common_fields);
  session->put(fields);
  if (!type.empty() && (may_have_body() || status == reset_content)) {
    session->put("\r\nContent-Type: ");
    session->put(type);
  }
  if (status == reset_content) {
    session->put("\r\nContent-Length: 0");
  } else if (framing == Framing::length && may_have_body()) {
    session->put("\r\nContent-Length: ");
    session->put(Number(length).view());
  } else if (framing == Framing::chunked && may_have_body()) {
    session->put("\r\nTransfer-Encoding: chunked");
  }
  if (close_after)
    session->put("\r\nConnection: close\r\n\r\n");
  else
    session->put(message.version > 10 ? "\r\n\r\n" : "\r\nConnection: keep-alive\r\n\r\n");
}

// Writes the 101 answer. The session passes the connection on when the handler has returned.
void Exchange::upgrade(std::string_view protocol, std::unique_ptr<Upgraded> protocol_object) {
  check_unbegun();
  if (message.version < 11 || !complete)
    throw std::logic_error("evio: only a complete HTTP/1.1 request can be upgraded");
  if (!is_field_value(protocol))
    throw std::invalid_argument("evio: Upgrade: not a valid protocol name");
  // wall_clock may throw: ask for the fields before anything is written.
  const std::string_view common_fields = session->common_fields();
  head_sent = ended = true;
  status = 101;
  put_status_line();
  session->put(common_fields);
  session->put("\r\nConnection: Upgrade\r\nUpgrade: ");
  session->put(protocol);
  session->put(fields);
  session->put("\r\n\r\n");
  next = std::move(protocol_object);
}

// All handles of an exchange share one token, so that the last one notices that nobody will answer.
ResponseHandle Exchange::handle() {
  std::shared_ptr<ResponseToken> shared = token.lock();
  if (!shared) {
    shared = std::make_shared<ResponseToken>(session->conn().handle(), session->number());
    token = shared;
  }
  return ResponseHandle(std::move(shared));
}

}}}  // namespace evio::v0::http
