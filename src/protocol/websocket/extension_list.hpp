// What Sec-WebSocket-Extensions lists (RFC 6455, section 9.1). Boost.Beast has such lists
// too, but ends one behind a parameter without a value that a comma follows.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace evio { inline namespace v0 { namespace websocket {

struct Extension {
  std::string_view name;
  std::vector<std::pair<std::string_view, std::string>>
      parameters;  // a value without its quotes, if it had any
};

/// All that are listed; none if it is no such list. The names are the list's own bytes.
std::vector<Extension> extensions_of(std::string_view list);

}}}  // namespace evio::v0::websocket
