// A small HTTP/1.1 service for GET and HEAD.
#pragma once

#include <evio/events.hpp>
#include <evio/server.hpp>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

struct HttpContent {
  std::string_view type;  // empty if nothing exists at that path
  std::string body;
};

// A service that replies with the content that `look_up` returns for a path. The path begins with
// '/' and has no query.
Events http_service(Callback<HttpContent(Server&, std::string_view path)> look_up);

}}}  // namespace evio::v0::detail
