// BufferRing: one mapping holds the ring of descriptors, followed by the buffers.
#include "backend/uring/buffer_ring.hpp"

#include <sys/mman.h>

#include <evio/error.hpp>

#include "backend/uring/ring.hpp"

namespace evio { inline namespace v0 { namespace detail {

BufferRing::BufferRing(Ring& ring, unsigned count) : ring_(ring), count_(count) {
  const std::size_t head = count * sizeof(io_uring_buf);
  mapped_ = head + count * size;
  void* memory =
      ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw Error(std::make_error_code(std::errc::not_enough_memory), "",
                "cannot allocate the buffers of io_uring");
  buffers_ = static_cast<io_uring_buf_ring*>(memory);
  memory_ = static_cast<char*>(memory) + head;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_);
  registration.ring_entries = count;
  registration.bgid = group;
  if (const int error = io_uring_register_buf_ring(ring_.native(), &registration, 0); error < 0) {
    ::munmap(memory, mapped_);
    throw Error(std::error_code(-error, std::generic_category()), "",
                "io_uring cannot register a ring of buffers");
  }
  io_uring_buf_ring_init(buffers_);
  for (unsigned id = 0; id < count; ++id) give_back(static_cast<std::uint16_t>(id));
}

BufferRing::~BufferRing() {
  if (!ring_.is_copy()) io_uring_unregister_buf_ring(ring_.native(), group);
  ::munmap(buffers_, mapped_);
}

void BufferRing::give_back(std::uint16_t id) noexcept {
  io_uring_buf_ring_add(buffers_, memory_ + id * size, size, id, io_uring_buf_ring_mask(count_), 0);
  io_uring_buf_ring_advance(buffers_, 1);
}

}}}  // namespace evio::v0::detail
