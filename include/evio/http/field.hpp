// One field of an HTTP message's header or trailers.
#pragma once

#include <string_view>

namespace evio { inline namespace v0 { namespace http {

/// A field of a header or of the trailers (RFC 9110, section 5). Both texts are borrowed from the
/// message: see Request for how long they are valid.
struct Field {
  std::string_view name;   ///< as the peer wrote it; names are compared in any case
  std::string_view value;  ///< without the spaces and tabs around it
};

}}}  // namespace evio::v0::http
