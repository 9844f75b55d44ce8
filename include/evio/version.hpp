// The version of the library that a program is compiled with.
#pragma once

#include <evio/export.hpp>
/// The three numbers of the version, as in "0.1.0". Until 1.0 a new minor version may break the
/// API.
#define EVIO_VERSION_MAJOR 0
#define EVIO_VERSION_MINOR 1
#define EVIO_VERSION_PATCH 0

/// One number that can be compared: 10'000 * major + 100 * minor + patch.
#define EVIO_VERSION (EVIO_VERSION_MAJOR * 10000 + EVIO_VERSION_MINOR * 100 + EVIO_VERSION_PATCH)

/// The same as text.
#define EVIO_VERSION_STRING "0.1.0"

namespace evio { inline namespace v0 {

/// The version of the library that the program runs with, such as "0.1.0". It differs from
/// EVIO_VERSION_STRING where a shared library was replaced since the program was built.
EVIO_API const char* version() noexcept;

}}  // namespace evio::v0
