// Provided buffers: a pool from which the kernel takes one when bytes arrive, so that an idle
// connection owns no buffer.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

class Ring;

class BufferRing {
 public:
  static constexpr std::uint16_t group = 0;
  // A small number, so that the buffers stay in the processor's cache. A stream that sends more
  // than fits into one is read by readiness instead.
  static constexpr unsigned usual_count = 128;
  static constexpr std::size_t size = 8 << 10;

  // `count` must be a power of two. Throws Error.
  BufferRing(Ring& ring, unsigned count);
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;
  ~BufferRing();

  std::string_view bytes(std::uint16_t id, std::size_t length) const noexcept {
    return {memory_ + id * size, length};
  }
  // Gives a buffer back to the kernel, which may fill it again.
  void give_back(std::uint16_t id) noexcept;

 private:
  Ring& ring_;
  const unsigned count_;
  io_uring_buf_ring* buffers_ = nullptr;
  char* memory_ = nullptr;
  std::size_t mapped_ = 0;
};

}}}  // namespace evio::v0::detail
