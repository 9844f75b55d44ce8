// Which handler answers which request.
#pragma once

#include <cstddef>
#include <evio/export.hpp>
#include <evio/http/request.hpp>
#include <memory>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

struct Route;
class RouteTree;

/// Handlers by method and path. A pattern's segments are literal ("users"), a parameter (":id", one
/// segment, not empty) or, last, the rest of the path ("*path", perhaps empty); literals go before
/// parameters and these before a rest, whatever the order of adding. Literals match however a path
/// writes them, percent-encoded or not; what a parameter stood for, Request::param decodes. No path
/// goes round a route: all routes see Request::path, where nothing is left of `/./` and `/x/../`;
/// empty segments (`//`) and an encoded slash (%2F) in a rest are not found. Filled before it is
/// given to http::server, which then shares it among all loops. Move-only.
///
///     http::Router router;
///     router.get("/users/:id", [](http::Request& request, http::Response& response) {
///       response.text(request.param("id"));
///     });
///
/// A path without any handler is answered by 404, one that leads only to handlers of other methods
/// by 405 with Allow. HEAD is answered by GET's handler where it has none of its own.
class EVIO_API Router {
 public:
  Router();
  /// Leaves the other without routes.
  Router(Router&&) noexcept;
  /// Leaves the other without routes.
  Router& operator=(Router&&) noexcept;
  ~Router();

  /// The handler is called once the whole body is there (Settings::body_max at most). Throws
  /// std::invalid_argument for a pattern that does not begin with a slash, goes on behind a rest,
  /// or has a handler for the method already.
  Router& on(std::string_view method, std::string_view pattern, RequestHandler handler);
  /// The handler is called once the header is there: see Request::receive.
  Router& stream(std::string_view method, std::string_view pattern, RequestHandler handler);

  /// A route for GET, and for HEAD unless that has one of its own.
  Router& get(std::string_view pattern, RequestHandler handler) {
    return on("GET", pattern, std::move(handler));
  }
  /// A route for POST.
  Router& post(std::string_view pattern, RequestHandler handler) {
    return on("POST", pattern, std::move(handler));
  }
  /// A route for PUT.
  Router& put(std::string_view pattern, RequestHandler handler) {
    return on("PUT", pattern, std::move(handler));
  }
  /// A route for DELETE.
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
