// As much HTTP/1.1 as it takes to answer GET and HEAD.
#pragma once

#include <evio/events.hpp>
#include <evio/server.hpp>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

struct HttpContent {
  std::string_view type;  // empty: there is nothing at that path
  std::string body;
};

// A service that answers with what `look_up` finds at a path (which begins with '/' and has no
// query).
Events http_service(Callback<HttpContent(Server&, std::string_view path)> look_up);

}}}  // namespace evio::v0::detail
