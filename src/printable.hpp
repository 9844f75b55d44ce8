// Text from elsewhere, made fit for a line of a log.
#pragma once

#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

// Control characters as \xNN, so that the text can neither cut a message short (NUL) nor forge
// lines.
std::string printable(std::string_view text);

}}}  // namespace evio::v0::detail
