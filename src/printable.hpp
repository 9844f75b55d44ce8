// Escapes text from peers and users for messages and logs.
#pragma once

#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

// Replaces control characters by \xNN, so that the text can neither truncate a message (NUL) nor
// forge lines of a log.
std::string printable(std::string_view text);

}}}  // namespace evio::v0::detail
