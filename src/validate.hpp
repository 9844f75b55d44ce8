// Checks of settings.
#pragma once

#include <evio/events.hpp>
#include <evio/options.hpp>

namespace evio { inline namespace v0 { namespace detail {

// Throws Error (invalid_argument) that names the field and the problem. evio/options.hpp documents
// what is valid.
void validate(const Options& options);
// Checks limits and options, and fills in what depends on other fields.
Events validated(Events&& events);

}}}  // namespace evio::v0::detail
