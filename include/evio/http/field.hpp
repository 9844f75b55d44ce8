// One field of an HTTP message's header or trailer.
#pragma once

#include <string_view>

namespace evio { inline namespace v0 { namespace http {

/// A field of a header or trailer. The texts belong to the message that it is a part of.
struct Field {
  std::string_view name;   ///< as it was sent; names are compared without regard to case
  std::string_view value;  ///< without the blanks around it
};

}}}  // namespace evio::v0::http
