// Counts the calling thread's uses of operator new so far, in all tests of the executable.
#pragma once

#include <cstddef>

struct Allocations {
  std::size_t count = 0;
  std::size_t bytes = 0;
};

Allocations allocations() noexcept;
