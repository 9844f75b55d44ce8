// The version of the library, at compile time and at run time.
#pragma once

#include <evio/export.hpp>
/// The three numbers of the version, as in "0.1.0". Until 1.0 a new minor version may change the
/// API incompatibly.
#define EVIO_VERSION_MAJOR 0
#define EVIO_VERSION_MINOR 1
#define EVIO_VERSION_PATCH 0

/// The version as one number, to compare in #if: 10'000 * major + 100 * minor + patch.
#define EVIO_VERSION (EVIO_VERSION_MAJOR * 10000 + EVIO_VERSION_MINOR * 100 + EVIO_VERSION_PATCH)

/// The version as text.
#define EVIO_VERSION_STRING "0.1.0"

namespace evio { inline namespace v0 {

/// The version of the library that the program runs with, such as "0.1.0". It differs from
/// EVIO_VERSION_STRING if the shared library was replaced after the program was built.
EVIO_API const char* version() noexcept;

}}  // namespace evio::v0
