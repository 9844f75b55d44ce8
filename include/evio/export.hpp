// EVIO_API: marks what a shared library exports; everything else is hidden.
#pragma once

/// Precedes each class and function of the public API that is compiled into the library.
#if defined(__GNUC__)
#define EVIO_API __attribute__((visibility("default")))
#else
#define EVIO_API
#endif
