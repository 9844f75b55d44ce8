// What an HTTP client asks for.
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

/// What answers requests: see http::server, which says what it may do.
using RequestHandler = Callback<void(Request&, Response&)>;

/// Gets a body as it comes, piece by piece, and at its end one empty piece.
using BodyHandler = Callback<void(Request&, Response&, std::string_view piece)>;

/// A request, lent to its handler. It lives until the handler has returned or, if the answer is not
/// complete by then, until it is. Its string_views are valid until the handler (or the BodyHandler)
/// that got them returns: whoever needs one longer asks for it again, or copies it. Belongs to the
/// thread of the connection's loop.
class EVIO_API Request {
 public:
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  /// "GET", "POST", ...: any token; upper and lower case differ.
  std::string_view method() const noexcept;
  /// What stands behind the method: "/path?query", "http://host/path", "*".
  std::string_view target() const noexcept;
  /// Who is asked, perhaps with a port: the target says it if it is a URL, else Host. Empty if
  /// neither does.
  std::string_view host() const noexcept;
  /// The target's path, percent-encoded as it was sent, but without segments `.` and `..`, encoded
  /// or not: "/a/b" for
  /// "/a/./x/../b"; "*" for that target.
  std::string_view path() const noexcept;
  /// What stands behind the target's question mark, percent-encoded; empty without one.
  std::string_view query() const noexcept;
  /// 11 for HTTP/1.1, 10 for HTTP/1.0.
  int version() const noexcept;

  /// All fields, in order.
  std::span<const Field> fields() const noexcept;
  /// The value of the first field of that name; empty without one.
  std::string_view field(std::string_view name) const noexcept;
  /// Whether there is a field of that name.
  bool has_header(std::string_view name) const noexcept;
  /// Whether a comma-separated field (all fields of that name together) has this member, such as
  /// "Connection: upgrade".
  bool has_token(std::string_view name, std::string_view member) const noexcept;

  /// What stood in the path for a parameter of the route (see Router), percent-decoded; empty if it
  /// has none of that name.
  std::string param(std::string_view name) const;

  /// The whole body, for handlers that are called when it is there (all but Router::stream's).
  std::string_view body() const noexcept;
  /// The fields behind a chunked body, once it is complete.
  std::span<const Field> trailers() const noexcept;

  /// For Router::stream's handlers, before they return: `fn` gets the body as it comes. A client
  /// that waits for "100 Continue" is told to go on. Without this call the body is dropped. If the
  /// connection ends before the body does, fn is destroyed without having seen the empty piece.
  void receive(BodyHandler fn);
  /// How much body is accepted, for Router::stream's handlers, before they return: beyond, the
  /// request is refused with 413. Unset: Settings::streamed_body_max.
  void limit_body(std::uint64_t bytes);
  /// The body, and the empty piece at its end, get no further until resume(): the client is held
  /// back by TCP. Meanwhile no deadline runs.
  void pause();
  /// The body goes on.
  void resume();
  /// Whether all of it, with body and trailers, was received.
  bool complete() const noexcept;

  /// The connection. Its context is the component's: use context() here. Neither write to it nor
  /// close it.
  Conn& conn() const noexcept;
  /// A value of yours that lives as long as the connection, whatever the number of requests; as
  /// Conn::context.
  template <class T>
  T* context() const noexcept {
    return user_context().get<T>();
  }
  /// Makes that value, in place of what was there.
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
