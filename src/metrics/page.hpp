// The page that shows what is counted.
#pragma once

#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

// page.html, which the build turns into a string.
extern const std::string_view metrics_page;

}}}  // namespace evio::v0::detail
