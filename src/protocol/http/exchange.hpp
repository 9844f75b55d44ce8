// One request and its answer.
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
  std::uint64_t number;  // of the exchange, among the connection's; 0: it is over

  ResponseToken(Handle handle, std::uint64_t exchange) noexcept
      : conn(std::move(handle)), number(exchange) {}
  ResponseToken(const ResponseToken&) = delete;
  ~ResponseToken();
};

/// Made once and used for many requests of many connections of a loop, one after the other. The
/// session drives it; what the user's calls of Request and Response do, it does.
class Exchange {
 public:
  enum class Phase : std::uint8_t { header, body, answering };
  enum class Framing : std::uint8_t { none, length, chunked, until_close };

  Exchange() noexcept : request(*this), response(*this) {}
  Exchange(const Exchange&) = delete;

  void begin(Session& with) noexcept { session = &with; }
  void clear() noexcept;
  /// Looks into bytes of its own from now on.
  void own_request_bytes();

  // The request
  /// Its handler was called before its body.
  bool streamed() const noexcept { return found.route && found.route->streamed; }
  void add_body(std::string_view piece);
  void end_request();
  /// Bytes of memory, more or less.
  std::size_t held() const noexcept;
  void receive(BodyHandler fn);
  /// Tells a client to go on that waits for it.
  void send_100_continue();

  // The answer
  bool may_have_body() const noexcept {
    return status != 204 && status != 205 && status != 304 && !(tunnel && status < 300);
  }
  /// The body is sent, too.
  bool sends_body() const noexcept { return !head && may_have_body(); }
  /// Nothing will follow what was sent.
  bool is_done() const noexcept { return ended || (head_sent && !sends_body()); }
  void check_unbegun() const;
  void set_type(std::string_view content_type);
  void add_field(std::string& to, std::string_view name, std::string_view value);
  void send(std::string_view content_type, std::string_view bytes);
  void send(std::string_view content_type, SharedBytes bytes);
  void send(int with_status);
  /// An error, without the fields that were meant for another answer.
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
  std::string body;             // what was received of it, unless it came in one piece
  std::string_view whole_body;  // for the handler
  std::string trailer_bytes;
  std::vector<Field> trailers;
  BodyHandler receiver;
  std::uint64_t body_limit = 0;
  bool paused = false;   // by the user
  bool end_due = false;  // the receiver is to be told the body's end
  bool complete = false;
  bool head = false;
  bool tunnel = false;  // CONNECT

  int status = 200;
  std::string type;
  std::string fields;           // "\r\nName: value", for the header
  std::size_t etag_at = 0;      // where in `fields` an ETag's value stands; 0: there is none
  std::string answer_trailers;  // the same, behind the body
  std::uint64_t length = 0;     // with Framing::length: what is still to be written
  std::uint64_t written = 0;    // of the body
  Framing framing = Framing::none;
  bool has_length = false;
  bool encoded = false;  // by its Content-Encoding
  bool varies = false;   // with Accept-Encoding, by its Vary
  bool head_sent = false;
  bool ended = false;
  bool close_after = false;  // the connection ends behind the answer
  std::weak_ptr<ResponseToken> token;
  Callback<void(Response&)> producer;
  std::unique_ptr<Upgraded> next;
  std::unique_ptr<Gzip> gzip;  // of a body in pieces

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
