#include <evio/version.hpp>

namespace evio { inline namespace v0 {

const char* version() noexcept { return EVIO_VERSION_STRING; }

}}  // namespace evio::v0
