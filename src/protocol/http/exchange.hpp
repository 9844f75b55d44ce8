// One request and its answer: the state behind the public Request and Response.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/http/response.hpp>
#include <evio/http/settings.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http/gzip.hpp"
#include "protocol/http/message.hpp"
#include "protocol/http/request_parser.hpp"
#include "protocol/http/routes.hpp"

namespace evio { inline namespace v0 { namespace http {

class Session;

/// What a ResponseHandle refers to.
struct ResponseToken {
  Handle conn;
  std::uint64_t number;  // the exchange's number in its connection; 0: it is over

  ResponseToken(Handle handle, std::uint64_t exchange) noexcept
      : conn(std::move(handle)), number(exchange) {}
  ResponseToken(const ResponseToken&) = delete;
  ~ResponseToken();
};

/// One request and its answer. The session reads the request into it; the public Request and
/// Response pass their calls on to it. Objects are reused for many requests of a loop's
/// connections, because an exchange has a dozen strings and vectors whose memory is worth keeping:
/// clear() must reset every member.
class Exchange {
 public:
  enum class Phase : std::uint8_t { header, body, answering };
  enum class Framing : std::uint8_t { none, length, chunked, until_close };

  Exchange() noexcept : request(*this), response(*this) {}
  Exchange(const Exchange&) = delete;

  void begin(Session& with) noexcept { session = &with; }
  void clear() noexcept;
  /// Copies the request's bytes, so that its views stay valid when the borrowed input is gone.
  void own_request_bytes();

  // The request
  /// Whether the route's handler is called before the body arrives (Router::stream).
  bool streamed() const noexcept { return found.route && found.route->streamed; }
  void add_body(std::string_view piece);
  void end_request();
  /// The approximate bytes of memory, for Limits::memory_max.
  std::size_t held() const noexcept;
  void receive(BodyHandler fn);
  /// Sends "100 Continue" if the client waits for it (RFC 9110, section 10.1.1), once.
  void send_100_continue();

  // The answer
  /// Whether the status allows a body (RFC 9110, section 6.4.1).
  bool may_have_body() const noexcept {
    return status != 204 && status != 205 && status != 304 && !(tunnel && status < 300);
  }
  /// Whether the body is sent: not for HEAD, whose answer has only the fields of GET's.
  bool sends_body() const noexcept { return !head && may_have_body(); }
  /// Whether the answer is complete on the wire.
  bool is_done() const noexcept { return ended || (head_sent && !sends_body()); }
  /// Throws std::logic_error if the header was written.
  void check_unbegun() const;
  void set_type(std::string_view content_type);
  void add_field(std::string& to, std::string_view name, std::string_view value);
  void send(std::string_view content_type, std::string_view bytes);
  void send(std::string_view content_type, SharedBytes bytes);
  void send(int with_status);
  /// Sends an error status without the fields that the handler has added for another answer.
  void refuse(int with_status);
  WriteResult write(std::string_view piece);
  WriteResult write(SharedBytes piece);
  void end();
  void upgrade(std::string_view protocol, std::unique_ptr<Upgraded> protocol_object);
  ResponseHandle handle();

  Session* session = nullptr;
  Phase phase = Phase::header;
  Request request;
  Response response;

  RequestParser parser;
  Message message;
  Found found{};
  std::string header_copy;
  std::string body;             // the body so far, unless it arrived in one piece
  std::string_view whole_body;  // the body for the handler: in `body` or in the borrowed input
  std::string trailer_bytes;
  std::vector<Field> trailers;
  BodyHandler receiver;
  std::uint64_t body_limit = 0;
  bool paused = false;    // by the user
  bool end_due = false;   // the body's end must still be passed to the receiver
  bool complete = false;  // the request has arrived completely
  bool head = false;      // the method is HEAD
  bool tunnel = false;    // the method is CONNECT

  int status = 200;
  std::string type;
  std::string fields;           // "\r\nName: value", for the header
  std::size_t etag_at = 0;      // the position of the ETag's value in `fields`; 0: there is none
  std::string answer_trailers;  // "\r\nName: value", after the body
  std::uint64_t length = 0;     // with Framing::length: the bytes that are still to be written
  std::uint64_t written = 0;    // bytes of the body so far
  Framing framing = Framing::none;
  bool has_length = false;
  bool encoded = false;  // the handler has set Content-Encoding: the body is compressed already
  bool varies = false;   // the handler has set Vary: Accept-Encoding
  bool head_sent = false;
  bool ended = false;
  bool close_after = false;  // the connection closes after the answer
  std::weak_ptr<ResponseToken> token;
  Callback<void(Response&)> producer;
  std::unique_ptr<Upgraded> next;
  std::unique_ptr<Gzip> gzip;  // for a body in pieces, which needs a stream of its own

 private:
  void begin_whole(std::size_t size);
  void send_compressed(std::string_view bytes);
  void begin_pieces();
  void begin_piece(std::size_t size);
  WriteResult end_piece();
  bool compresses(std::size_t size);
  void weaken_etag();
  WriteResult write_compressed(std::string_view piece, bool last);
  void write_header();
  void put_status_line();
};

}}}  // namespace evio::v0::http
