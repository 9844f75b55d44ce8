// The version of the library that a program runs with, which may differ from that of the headers.
#include <evio/version.hpp>

namespace evio { inline namespace v0 {

const char* version() noexcept { return EVIO_VERSION_STRING; }

}}  // namespace evio::v0
