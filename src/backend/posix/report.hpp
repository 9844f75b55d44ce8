// Writes lines to stderr at a limited rate.
#pragma once

#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

// Writes at most one line a second for the whole process. Each line says how many were omitted
// since the last one. It never blocks, and raises no SIGPIPE if the reader has closed a pipe.
void report_line(std::string_view line) noexcept;

}}}  // namespace evio::v0::detail
