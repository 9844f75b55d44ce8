// Times as HTTP writes them: "Sun, 06 Nov 1994 08:49:37 GMT".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

std::string date_text(std::chrono::sys_seconds time);
/// In the form above, which all send today, or one of the two old ones; nothing for others.
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text);

}}}  // namespace evio::v0::http
