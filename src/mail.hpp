// Private. What other threads send to a loop.
#pragma once

#include <cstddef>

namespace evio::inline v1 {

class LoopCore;

// One message. Delivered on the loop's thread, or destroyed undelivered on any thread. Its memory goes round between
// those who send and those who receive: in steady traffic nothing is allocated.
struct Mail {
  static constexpr std::size_t pooled_size = 128;

  Mail() = default;
  Mail(const Mail&) = delete;
  Mail& operator=(const Mail&) = delete;
  virtual ~Mail() = default;
  virtual void deliver(LoopCore& loop) = 0;

  static void* operator new(std::size_t size);
  static void operator delete(void* memory, std::size_t size) noexcept;

  Mail* next = nullptr;
};

}  // namespace evio::inline v1
