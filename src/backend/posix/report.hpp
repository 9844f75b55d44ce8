// A line on stderr, now and then.
#pragma once

#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

// At most a line a second for the whole process, each with how many were left out since the one
// before. Never waits for who reads it, and raises no SIGPIPE where nobody does.
void report_line(std::string_view line) noexcept;

}}}  // namespace evio::v0::detail
