// Parses the list of Sec-WebSocket-Extensions (RFC 6455, section 9.1). Boost.Beast's parser of such
// lists is not used, because it stops after a parameter without a value that a comma follows.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace evio { inline namespace v0 { namespace websocket {

/// One extension of the list.
struct Extension {
  std::string_view name;
  // Names and values. A quoted value is without its quotes; a parameter without a value has "".
  std::vector<std::pair<std::string_view, std::string>> parameters;
};

/// Returns the extensions of a list; none if the list is not valid. The names are views of `list`.
std::vector<Extension> extensions_of(std::string_view list);

}}}  // namespace evio::v0::websocket
