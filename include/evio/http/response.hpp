// The answer that an HTTP server's handler gives to a request.
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

/// Refers to an answer that will be given later, from Response::handle(). Copyable. Every function
/// may be called on any thread and at any time, also after the connection or the server is gone.
/// When the last copy is destroyed and the answer has neither ended nor a producer, the client gets
/// a 500, so that no request stays without an answer.
class EVIO_API ResponseHandle {
 public:
  /// Refers to no answer.
  ResponseHandle() = default;

  /// Runs fn(Response&) on the thread of the connection's loop, if by then the answer has not ended
  /// and the connection still exists. Otherwise fn is destroyed without being called, on any
  /// thread. Returns false if the connection is already known to be gone.
  bool post(Callback<void(Response&)> fn) const;

  /// Returns whether the handle refers to an answer, even one that has ended; false for a
  /// default-constructed handle.
  explicit operator bool() const noexcept { return token_ != nullptr; }

 private:
  friend class Exchange;
  explicit ResponseHandle(std::shared_ptr<ResponseToken> token) noexcept
      : token_(std::move(token)) {}

  std::shared_ptr<ResponseToken> token_;
};

/// The answer to a request. A handler gives it in one of these ways:
///
/// - at once: `response.text("Hello")`, `response.send(404)`, `response.send("image/png", bytes)`;
/// - in pieces: any number of calls of write(), then end(). With produce() the pieces are made when
///   there is room for them;
/// - later: take a handle(), return, and post the answer from any thread:
///
///       pool.run([later = response.handle()] {
///         later.post([text = compute()](http::Response& response) { response.text(text); });
///       });
///
/// - by leaving HTTP: upgrade().
///
/// If a handler returns without any of these, the client gets a 500. The requests of a connection
/// are answered one after the other: the next one is read after this answer has ended. Answer HEAD
/// as you answer GET: the body is left out automatically (RFC 9110, section 9.3.2).
///
/// Use it on the thread of the connection's loop only. It lives until the answer has ended and the
/// handler has returned. A call that comes too late, such as a second send() or a field after the
/// first write(), throws std::logic_error.
class EVIO_API Response {
 public:
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;

  /// Sets the status. 200 by default; std::invalid_argument unless it is 200 to 599.
  Response& status(int code);
  /// Adds a field to the header. A name may be added several times; Content-Type replaces what
  /// type() has set. Throws std::invalid_argument for a name that is not a token, for a value with
  /// control characters (so that no untrusted text can begin a field of its own), and for the
  /// fields that the component writes itself: Connection, Content-Length, Transfer-Encoding,
  /// Trailer, Date and Server.
  Response& add(std::string_view name, std::string_view value);
  /// Sets Content-Type. Throws std::invalid_argument for a value with control characters.
  Response& type(std::string_view content_type);

  /// Sends a whole answer with this body, of any size. The part that exceeds Limits::output_max
  /// waits until the client has received enough, without closing the connection. The body is
  /// copied. It is compressed if Settings::gzip allows it and the client accepts it.
  void send(std::string_view content_type, std::string_view body);
  /// Sends a whole answer without copying the body, unless it is compressed or of up to 16 KiB.
  void send(std::string_view content_type, SharedBytes body);
  /// Sends a whole answer with this status and the status's name as its body, such as "Not Found".
  void send(int status);
  /// Sends a whole answer of type text/plain.
  void text(std::string_view body) { send("text/plain", body); }
  /// Sends a whole answer of type application/json.
  void json(std::string_view body) { send("application/json", body); }

  /// Sets the length of a body that is written in pieces. Exactly so many bytes must follow: a
  /// write beyond them throws std::logic_error. Without it the body is chunked (RFC 9112, section
  /// 7.1) or, for an HTTP/1.0 client, ends with the connection.
  Response& length(std::uint64_t bytes);
  /// Writes one more piece of the body, of any size. The first call sends the header, too.
  ///
  /// The result is `congested` if the client is slow: the piece is kept, and produce()'s function
  /// is called when there is room for more. If you continue nevertheless, a write throws
  /// std::length_error once more than Limits::output_max waits. The result is `dropped` if the
  /// connection is gone or the answer has no body (HEAD, 204, 205, 304); such an answer ends by
  /// itself.
  WriteResult write(std::string_view piece);
  /// Writes one more piece without copying it, unless it is compressed or of up to 16 KiB.
  WriteResult write(SharedBytes piece);
  /// Adds a field to the trailers, before end(). Throws as add() does. Trailers are sent after a
  /// chunked body only, and dropped otherwise.
  Response& trailer(std::string_view name, std::string_view value);
  /// Ends an answer that was written in pieces. If fewer bytes than length() were written, the
  /// connection is closed, so that the client notices that the body is not complete.
  void end();

  /// Sets a function that writes the body when there is room for it. It is called after the handler
  /// has returned, and again whenever there is room, until it calls end(). So a body of any length
  /// takes bounded memory:
  ///
  ///     response.produce([row = 0](http::Response& r) mutable {
  ///       if (row == rows) return r.end();
  ///       r.write(format(row++));
  ///     });
  ///
  /// If a call writes nothing, the function is taken to wait for something: it is called again
  /// after the next post through handle().
  void produce(Callback<void(Response&)> fn);

  /// Returns a handle to give the answer later or on another thread. The first call of an answer
  /// allocates.
  ResponseHandle handle();

  /// Answers 101 with `Connection: Upgrade`, `Upgrade: <protocol>` and the fields added before (RFC
  /// 9110, section 7.8), and passes the connection on to `next`: see Upgraded. Call it in place of
  /// the other ways of answering, from the handler or through handle(), for a request whose
  /// `Upgrade` names the protocol (Request::has_token). Throws std::logic_error if the request is
  /// not complete() or is of HTTP/1.0.
  void upgrade(std::string_view protocol, std::unique_ptr<Upgraded> next);

  /// Returns whether the header was written: then status and fields can no longer be changed.
  bool begun() const noexcept;
  /// Returns whether the answer has ended: then nothing can be added to it.
  bool ended() const noexcept;
  /// The request that this answers. It lives as long as this object.
  Request& request() noexcept;

 private:
  friend class Exchange;
  explicit Response(Exchange& exchange) noexcept : exchange_(exchange) {}

  Exchange& exchange_;
};

}}}  // namespace evio::v0::http
