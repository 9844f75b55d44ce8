// Marks what a shared library exports: all else is hidden.
#pragma once

/// Stands before each class and function of the public API that is compiled into the library.
#if defined(__GNUC__)
#define EVIO_API __attribute__((visibility("default")))
#else
#define EVIO_API
#endif
