// The request that an HTTP server's handler gets.
#pragma once

#include <cstdint>
#include <evio/callback.hpp>
#include <evio/conn.hpp>
#include <evio/context.hpp>
#include <evio/export.hpp>
#include <evio/http/field.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace evio { inline namespace v0 { namespace http {

class Exchange;
class Request;
class Response;

/// Answers one request: see Response for the ways to do so. It runs on the thread of the
/// connection's loop and must not block.
using RequestHandler = Callback<void(Request&, Response&)>;

/// Gets a request's body piece by piece, and one empty piece at its end. The piece is borrowed
/// until the handler returns.
using BodyHandler = Callback<void(Request&, Response&, std::string_view piece)>;

/// A request. Use it on the thread of the connection's loop only.
///
/// It lives until its handler has returned or, if the answer is not complete by then, until the
/// answer is complete or the connection is gone. Every string_view and span that it returns is
/// borrowed until the running handler (or BodyHandler) returns, because the request's bytes are
/// moved after that: call the function again later, or copy the text.
class EVIO_API Request {
 public:
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  /// The method: "GET", "POST" or any other token. Upper and lower case differ.
  std::string_view method() const noexcept;
  /// The request target as it was sent (RFC 9112, section 3.2): "/path?query", "http://host/path",
  /// "*".
  std::string_view target() const noexcept;
  /// The host to which the request is addressed, with a port if one was sent. It is the target's if
  /// the target is a URL, and the Host field's otherwise. Empty if neither names one. The client
  /// chooses it freely: do not trust it.
  std::string_view host() const noexcept;
  /// The target's path, percent-encoded as it was sent. The segments "." and "..", encoded or not,
  /// have been resolved (RFC 3986, section 6.2.2.3): "/a/b" for "/a/./x/../b". The path of the
  /// target "*" is "*".
  std::string_view path() const noexcept;
  /// The part of the target after the question mark, percent-encoded; empty if there is none.
  std::string_view query() const noexcept;
  /// 11 for HTTP/1.1, 10 for HTTP/1.0.
  int version() const noexcept;

  /// All fields in the order in which they were received.
  std::span<const Field> fields() const noexcept;
  /// Returns the value of the first field with this name; empty if there is none. Takes time in
  /// proportion to the number of fields, as has_header and has_token do.
  std::string_view field(std::string_view name) const noexcept;
  /// Returns whether there is a field with this name, even if its value is empty.
  bool has_header(std::string_view name) const noexcept;
  /// Returns whether a comma-separated field has this member, in any case. Several fields with the
  /// same name are one list (RFC 9110, section 5.3):
  ///
  ///     if (request.has_token("Connection", "upgrade")) ...
  bool has_token(std::string_view name, std::string_view member) const noexcept;

  /// Returns the part of the path that a parameter of the route stands for (see Router),
  /// percent-decoded; empty if the route has no parameter with this name. The decoded text may
  /// contain any byte, a slash or a null byte included.
  std::string param(std::string_view name) const;

  /// The whole body. Only for handlers that are called after it has arrived, that is for all
  /// handlers except Router::stream's; it is empty there.
  std::string_view body() const noexcept;
  /// The trailers after a chunked body (RFC 9112, section 7.1.2). Empty until complete().
  std::span<const Field> trailers() const noexcept;

  /// Sets the handler that gets the body as it arrives. For handlers of Router::stream, to be
  /// called before they return; for others it throws std::logic_error. A client that waits for "100
  /// Continue" gets it now. Without this call the body is read and discarded.
  ///
  /// If the connection ends before the body does, `fn` is destroyed without having got the empty
  /// piece. So a body whose end was reported is always complete.
  ///
  ///     router.stream("PUT", "/file", [](http::Request& request, http::Response&) {
  ///       request.receive([file = File()](auto&, http::Response& response, std::string_view piece)
  ///                           mutable {
  ///         if (piece.empty()) return response.send(201);
  ///         file.append(piece);
  ///       });
  ///     });
  void receive(BodyHandler fn);
  /// Sets how many bytes of body are accepted, in place of Settings::streamed_body_max. For
  /// handlers of Router::stream, to be called before they return. A longer body is refused with
  /// 413.
  void limit_body(std::uint64_t bytes);
  /// Stops passing on the body, and the empty piece at its end, until resume(). TCP's flow control
  /// then slows the client down. No deadline runs meanwhile.
  void pause();
  /// Continues to pass on the body. The next piece is passed on in a later call, not in this one.
  void resume();
  /// Returns whether the request has arrived completely, body and trailers included.
  bool complete() const noexcept;

  /// The connection, for its addresses, limits and loop. Do not write to it, close it or use its
  /// context: the HTTP component does. For a value of your own see context().
  Conn& conn() const noexcept;
  /// Returns the value made by emplace_context<T>, or null if there is none or it has another type.
  /// The value belongs to the connection: later requests of the same connection find it too.
  template <class T>
  T* context() const noexcept {
    return user_context().get<T>();
  }
  /// Makes a T that lives as long as the connection, in place of the present value.
  template <class T, class... Args>
  T& emplace_context(Args&&... args) const {
    return user_context().emplace<T>(std::forward<Args>(args)...);
  }

 private:
  friend class Exchange;
  explicit Request(Exchange& exchange) noexcept : exchange_(exchange) {}
  Context& user_context() const noexcept;

  Exchange& exchange_;
};

}}}  // namespace evio::v0::http
