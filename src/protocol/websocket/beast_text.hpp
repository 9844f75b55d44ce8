// Converts between the standard library's string_view and Boost.Beast's.
#pragma once

#include <boost/beast/core/string.hpp>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

inline boost::beast::string_view beast_text(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }
/// Compares in any case.
inline bool iequals(std::string_view a, std::string_view b) {
  return boost::beast::iequals(beast_text(a), beast_text(b));
}

}}}  // namespace evio::v0::websocket
