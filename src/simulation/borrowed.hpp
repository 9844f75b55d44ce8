// Private. Events that call the handlers of others, which stay where they are.
#pragma once

#include <evio/events.hpp>

namespace evio::inline v1 {

Events borrowed(const Events& from);

}  // namespace evio::inline v1
