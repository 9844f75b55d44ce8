// The table of a driver's records, one for each stream id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace evio { inline namespace v0 { namespace detail {

// It grows in chunks that never move, so that growing copies nothing and references stay valid.
template <class T>
class Slots {
 public:
  T& operator[](std::uint32_t index) noexcept {
    return chunks_[index / per_chunk][index % per_chunk];
  }
  // Makes room for `index`, and reserves as much in each of the lists, whose elements refer to
  // records. After that, closing a stream allocates nothing and cannot fail.
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
  // Reserves far ahead: unused room takes no physical memory, but each block that a list leaves
  // when it grows keeps a page of the heap in use.
  template <class List>
  static void make_room(List& list, std::size_t count) {
    if (list.capacity() < count) list.reserve(count * 4);
  }

  static constexpr std::uint32_t per_chunk = 1024;
  std::vector<std::unique_ptr<T[]>> chunks_;
};

}}}  // namespace evio::v0::detail
