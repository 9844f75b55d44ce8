// Chooses the handler of a request by method and path.
#pragma once

#include <cstddef>
#include <evio/export.hpp>
#include <evio/http/request.hpp>
#include <memory>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

struct Route;
class RouteTree;

/// Chooses the handler of a request by its method and path. Fill it before it is passed to
/// http::server, which then shares it among all loops. Move-only.
///
///     http::Router router;
///     router.get("/users/:id", [](http::Request& request, http::Response& response) {
///       response.text(request.param("id"));
///     });
///     evio::serve(http::server(std::move(router)), "tcp://:8080");
///
/// A pattern consists of segments. A segment is one of these:
///
/// - a literal, "users": it matches a segment of the path however that is percent-encoded;
/// - a parameter, ":id": it matches any one segment that is not empty;
/// - a rest, "*path", as the last segment: it matches the remaining path, also an empty one.
///
/// Request::param returns what a parameter or rest stands for. If several patterns match, literals
/// have priority over parameters and these over a rest, independent of the order of registration.
///
/// Routes are matched against Request::path, from which `.` and `..` have been removed, so that no
/// path leads around a route. A rest does not match a path with an empty segment (`//`) or an
/// encoded slash (%2F), because programs that read such a rest might split it differently.
///
/// A path without a handler is answered with 404. If only other methods have a handler for it, the
/// answer is 405 with Allow (RFC 9110, section 15.5.6). HEAD is answered by GET's handler unless it
/// has one of its own.
///
/// The functions that add routes throw std::invalid_argument for an empty handler, and for a
/// pattern that does not begin with a slash, continues after a rest, gives a parameter another name
/// than an existing route does at the same place, or has a handler for the method already.
class EVIO_API Router {
 public:
  /// Makes a router without routes, which answers every request with 404.
  Router();
  /// Takes over all routes. The moved-from router may only be destroyed or assigned to.
  Router(Router&&) noexcept;
  /// Takes over all routes in place of its own.
  Router& operator=(Router&&) noexcept;
  ~Router();

  /// Adds a route. The handler is called after the whole body has arrived, of at most
  /// Settings::body_max bytes.
  Router& on(std::string_view method, std::string_view pattern, RequestHandler handler);
  /// Adds a route whose handler is called when the header has arrived, before the body: see
  /// Request::receive. For bodies that are too large to be held in memory.
  Router& stream(std::string_view method, std::string_view pattern, RequestHandler handler);

  /// Adds a route for GET, and for HEAD unless that has one of its own. Equivalent to on().
  Router& get(std::string_view pattern, RequestHandler handler) {
    return on("GET", pattern, std::move(handler));
  }
  /// Adds a route for POST. Equivalent to on().
  Router& post(std::string_view pattern, RequestHandler handler) {
    return on("POST", pattern, std::move(handler));
  }
  /// Adds a route for PUT. Equivalent to on().
  Router& put(std::string_view pattern, RequestHandler handler) {
    return on("PUT", pattern, std::move(handler));
  }
  /// Adds a route for DELETE. Equivalent to on().
  Router& del(std::string_view pattern, RequestHandler handler) {
    return on("DELETE", pattern, std::move(handler));
  }

 private:
  friend class Service;
  Router& add(std::string_view method, std::string_view pattern, RequestHandler handler,
              bool streamed);

  std::unique_ptr<RouteTree> tree_;
};

}}}  // namespace evio::v0::http
