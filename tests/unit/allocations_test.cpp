#include "allocations.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

namespace {

thread_local Allocations so_far;

void* counted(std::size_t size, void* memory) {
  if (!memory) throw std::bad_alloc();
  ++so_far.count;
  so_far.bytes += size;
  return memory;
}

std::size_t rounded_up(std::size_t size, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  return (size + step - 1) / step * step;
}

}  // namespace

Allocations allocations() noexcept { return so_far; }

// Not inlined, because g++ would warn of a mismatched new and free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  return counted(size, std::malloc(size ? size : 1));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(
      size, std::aligned_alloc(static_cast<std::size_t>(alignment), rounded_up(size, alignment)));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

TEST(Allocations, AreCounted) {
  const Allocations before = allocations();
  ::operator delete(::operator new(100));
  ::operator delete(::operator new(128, std::align_val_t(64)), std::align_val_t(64));
  EXPECT_EQ(allocations().count, before.count + 2);
  EXPECT_EQ(allocations().bytes, before.bytes + 228);
}
