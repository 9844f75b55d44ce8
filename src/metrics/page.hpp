// The HTML page that displays the statistics.
#pragma once

#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

// The contents of page.html, which the build converts to a string.
extern const std::string_view metrics_page;

}}}  // namespace evio::v0::detail
