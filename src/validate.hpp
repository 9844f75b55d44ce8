// Whether settings make sense.
#pragma once

#include <evio/events.hpp>
#include <evio/options.hpp>

namespace evio { inline namespace v0 { namespace detail {

// Throws Error (invalid_argument), naming the field and what is wrong with it; what is an error is
// said in evio/options.hpp.
void validate(const Options& options);
// The same, and what follows from other fields is filled in.
Events validated(Events&& events);

}}}  // namespace evio::v0::detail
