// Events that call the handlers of others, which stay where they are.
#pragma once

#include <evio/events.hpp>

namespace evio { inline namespace v0 { namespace detail {

Events borrowed(const Events& from);

}}}  // namespace evio::v0::detail
