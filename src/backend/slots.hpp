// A driver's own record of each stream, found by the stream's name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace evio { inline namespace v0 { namespace detail {

// Grows in chunks that never move: no doubling, nothing copied.
template <class T>
class Slots {
 public:
  T& operator[](std::uint32_t index) noexcept {
    return chunks_[index / per_chunk][index % per_chunk];
  }
  // The lists, each of some of these, get as much room: then closing a stream needs no memory.
  template <class... Lists>
  void reserve(std::uint32_t index, Lists&... lists) {
    while (index >= size()) {
      (make_room(lists, size() + per_chunk), ...);
      chunks_.push_back(std::make_unique<T[]>(per_chunk));
    }
  }
  std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(chunks_.size()) * per_chunk;
  }

 private:
  // Far ahead: room that is not used takes no memory, but each block that a list leaves behind
  // keeps a page of the heap.
  template <class List>
  static void make_room(List& list, std::size_t count) {
    if (list.capacity() < count) list.reserve(count * 4);
  }

  static constexpr std::uint32_t per_chunk = 1024;
  std::vector<std::unique_ptr<T[]>> chunks_;
};

}}}  // namespace evio::v0::detail
