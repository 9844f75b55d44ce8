// Buffers that the kernel picks when bytes arrive, so that no idle connection owns one.
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
  // Few and cycled through, they stay in the cache; a peer that sends more than fits into one is
  // read in another way.
  static constexpr unsigned usual_count = 128;
  static constexpr std::size_t size = 8 << 10;

  // `count`: a power of two. Throws Error.
  BufferRing(Ring& ring, unsigned count);
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;
  ~BufferRing();

  std::string_view bytes(std::uint16_t id, std::size_t length) const noexcept {
    return {memory_ + id * size, length};
  }
  // The kernel may fill it again.
  void give_back(std::uint16_t id) noexcept;

 private:
  Ring& ring_;
  const unsigned count_;
  io_uring_buf_ring* buffers_ = nullptr;
  char* memory_ = nullptr;
  std::size_t mapped_ = 0;
};

}}}  // namespace evio::v0::detail
