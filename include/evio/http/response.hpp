// The answer to an HTTP request.
#pragma once

#include <cstdint>
#include <evio/callback.hpp>
#include <evio/export.hpp>
#include <evio/http/request.hpp>
#include <evio/http/upgrade.hpp>
#include <evio/shared_bytes.hpp>
#include <memory>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

class Exchange;
class Response;
struct ResponseToken;

/// Names an answer that is still to be given, from Response::handle(). Copyable; for any thread and
/// any time, also after the connection and the server are gone. When the last copy dies and the
/// answer has neither ended nor a producer, the client gets a 500.
class EVIO_API ResponseHandle {
 public:
  ResponseHandle() = default;

  /// Runs fn(Response&) on the connection's loop, if the answer has not ended and the connection
  /// still lives by then; else destroys it unrun, on any thread. False if the connection is known
  /// to be gone.
  bool post(Callback<void(Response&)> fn) const;

  /// Whether it stands for an answer, which may be over; false for an empty one.
  explicit operator bool() const noexcept { return token_ != nullptr; }

 private:
  friend class Exchange;
  explicit ResponseHandle(std::shared_ptr<ResponseToken> token) noexcept
      : token_(std::move(token)) {}

  std::shared_ptr<ResponseToken> token_;
};

/// How a request is answered, in one of these ways:
///
/// - at once: `response.text("Hello")`, `response.send(404)`, `response.send("image/png", bytes)`;
/// - in pieces: write() as often as you like, then end(). produce() is called whenever there is
/// room for more;
/// - later: take handle(), return, and post the answer from whatever thread has it;
/// - by leaving HTTP: upgrade().
///
/// A handler that returns having done none of these has the client told 500. Requests of one
/// connection are answered one after the other: the next is looked at when this answer has ended.
/// HEAD is answered as GET is; the body is left out by itself. Belongs to the thread of the
/// connection's loop, and lives until the answer has ended and the handler has returned. What comes
/// too late (a second send, a field behind the first write) throws std::logic_error.
class EVIO_API Response {
 public:
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  /// 200 unless set: 200 to 599.
  Response& status(int code);
  /// One more field. Throws std::invalid_argument for a name that is no token, for a value with
  /// control characters (nobody's input can begin a field of its own), and for fields that the
  /// component writes itself: Connection, Content-Length, Transfer-Encoding, Trailer, Date, Server.
  /// Content-Type is what type() sets.
  Response& add(std::string_view name, std::string_view value);
  /// The Content-Type. Throws as add does.
  Response& type(std::string_view content_type);

  /// The whole answer, of any size: what is beyond Limits::output_max waits until the client has
  /// taken enough. Copied, unless it is a SharedBytes.
  void send(std::string_view content_type, std::string_view body);
  /// The same, without copying the body.
  void send(std::string_view content_type, SharedBytes body);
  /// A status, with its name as the body.
  void send(int status);
  /// Sends it as text/plain.
  void text(std::string_view body) { send("text/plain", body); }
  /// Sends it as application/json.
  void json(std::string_view body) { send("application/json", body); }

  /// The length of a body that is written in pieces; so many bytes must follow. Without it the body
  /// is chunked (for HTTP/1.0 it lasts until the connection ends).
  Response& length(std::uint64_t bytes);
  /// One more piece, of any size. False: the client is slow, or gone, or gets no body (HEAD, 204,
  /// 205, 304: then the answer ends by itself). What was written is kept; produce no more until the
  /// producer is called again. Whoever goes on nevertheless gets a std::length_error once more than
  /// Limits::output_max waits.
  WriteResult write(std::string_view piece);
  /// The same, without copying the piece.
  WriteResult write(SharedBytes piece);
  /// A field behind a chunked body, before end(). Throws as add does. Not sent where the body is
  /// not chunked.
  Response& trailer(std::string_view name, std::string_view value);
  /// The answer is complete. If fewer bytes than length() were written the connection is closed, so
  /// that the client notices.
  void end();

  /// Calls fn(Response&) when the handler has returned, and again whenever there is room for more,
  /// until it calls end(). A call that writes nothing means that it waits for something: then it is
  /// called again behind the next post through handle(). So a body of any length takes bounded
  /// memory.
  void produce(Callback<void(Response&)> fn);

  /// For answering later.
  ResponseHandle handle();

  /// Answers 101 with `Connection: Upgrade`, `Upgrade: <protocol>` and the fields added before, and
  /// hands the connection over to `next`: see Upgraded. To be called instead of the other ways of
  /// answering, from the handler or through handle(), for a request whose `Upgrade` names the
  /// protocol (Request::lists) and which is complete(). Throws std::logic_error for an HTTP/1.0
  /// request.
  void upgrade(std::string_view protocol, std::unique_ptr<Upgraded> next);

  bool begun() const noexcept;  ///< the header is written
  /// Whether nothing can be added to the answer any more.
  bool ended() const noexcept;
  /// The request that this answers.
  Request& request() noexcept;

 private:
  friend class Exchange;
  explicit Response(Exchange& exchange) noexcept : exchange_(exchange) {}

  Exchange& exchange_;
};

}}}  // namespace evio::v0::http
