// Formats and parses HTTP dates: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

/// Formats a time in the form above, the only one that may be sent.
std::string date_text(std::chrono::sys_seconds time);
/// Parses a time in the form above or in one of the two obsolete ones, which a server must accept;
/// nullopt for everything else.
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text);

}}}  // namespace evio::v0::http
