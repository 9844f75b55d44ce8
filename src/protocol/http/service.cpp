// The state that all connections of an HTTP server share, and the Events that own it.
#include "protocol/http/service.hpp"

#include <evio/http/server.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "protocol/http/session.hpp"

namespace evio { inline namespace v0 { namespace http {

namespace {

// Checked when the server is made: later there would be no caller to throw to.
Settings checked(Settings settings) {
  const auto check = [](Duration time, const char* field) {
    if (time < Duration::zero())
      throw std::invalid_argument(std::string("evio: http::Settings::") + field + " is negative");
  };
  check(settings.header_timeout, "header_timeout");
  check(settings.body_timeout, "body_timeout");
  check(settings.send_timeout, "send_timeout");
  check(settings.idle_timeout, "idle_timeout");
  return settings;
}

RequestHandler checked(RequestHandler handler) {
  if (!handler)
    throw std::invalid_argument("evio: http::server needs a handler: the function is empty");
  return handler;
}

}  // namespace

Service::Service(Router router, Settings settings)
    : routes_(std::move(router.tree_)), all_{}, settings_(checked(std::move(settings))) {}
Service::Service(RequestHandler handler, Settings settings)
    : all_{.handler = checked(std::move(handler)), .streamed = false},
      settings_(checked(std::move(settings))) {}

Found Service::find(std::string_view method, std::string_view path,
                    std::vector<Param>& params) const {
  if (routes_) return routes_->find(method, path, params);
  return {.route = &all_};
}

// A cache is made when the loop's first connection begins, because the server's loops are not known
// when the service is made.
LoopCache& Service::loop_cache(Loop& loop) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<LoopCache>& loop_cache = workers_[&loop];
  if (!loop_cache) loop_cache = std::make_unique<LoopCache>(loop);
  return *loop_cache;
}

namespace {

Session& session_of(Conn& conn) { return *conn.context<Session>(); }

// The handlers share the service: it lives as long as the Events that hold it.
Events events(std::shared_ptr<Service> service) {
  Events events;
  events.opened = [service = std::move(service)](Conn& conn) {
    conn.emplace_context<Session>(conn, *service).opened();
  };
  events.data = [](Conn& conn, Input& in) { return session_of(conn).data(in); };
  events.drained = [](Conn& conn) { return session_of(conn).drained(); };
  events.ended = [](Conn& conn, Input& in) { return session_of(conn).ended(in); };
  events.draining = [](Conn& conn) { return session_of(conn).draining(); };
  events.closed = [](Conn& conn, std::error_code error) {
    // There is no session if `opened` did not run or threw.
    if (auto* session = conn.context<Session>()) session->closed(error);
  };
  return events;
}

}  // namespace

Events server(Router router, Settings settings) {
  return events(std::make_shared<Service>(std::move(router), std::move(settings)));
}
Events server(RequestHandler handler, Settings settings) {
  return events(std::make_shared<Service>(std::move(handler), std::move(settings)));
}

}}}  // namespace evio::v0::http
