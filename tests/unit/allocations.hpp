// What the calling thread has asked of operator new so far, all tests of the executable included.
#pragma once

#include <cstddef>

struct Allocations {
  std::size_t count = 0;
  std::size_t bytes = 0;
};

Allocations allocations() noexcept;
