// Events that call the handlers of other Events. The others must outlive them.
#pragma once

#include <evio/events.hpp>

namespace evio { inline namespace v0 { namespace detail {

Events borrowed(const Events& from);

}}}  // namespace evio::v0::detail
