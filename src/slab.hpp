// A container for many objects of one type, such as connections and timers, at stable addresses and
// with an index for each.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) \
  (static_cast<void>(address), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) \
  (static_cast<void>(address), static_cast<void>(size))
#endif

namespace evio { inline namespace v0 { namespace detail {

/// Owns objects of type T, which need not be movable, since they never move. Making and destroying
/// one is O(1). Memory is allocated in chunks of 32 to 64 KiB: it grows without copying, and a page
/// that no object has used yet takes no physical memory. An object takes sizeof(T) and one bit.
/// When the last object is destroyed, all chunks but one are freed.
///
/// The index of a destroyed object is soon used again, so code that stores an index must store a
/// generation with it. Under AddressSanitizer the storage of destroyed objects is poisoned.
/// Constructors and destructors of T may make and destroy other objects. One thread.
template <class T>
class Slab {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;  ///< names no object

  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    while (size_ != 0)  // repeated, since destructors may make objects
      for (std::uint32_t index = next(0); index != none; index = next(index + 1)) destroy(index);
  }

  /// Makes a T(args...) in the place that became free last, which is most likely in the cache. If
  /// the constructor throws, nothing has changed.
  template <class... Args>
  std::uint32_t make(Args&&... args) {
    const std::uint32_t index = take_place();
    try {
      new (place(index)) T(std::forward<Args>(args)...);
    } catch (...) {
      give_back_place(index);
      throw;
    }
    word(index) |= bit(index);
    return index;
  }

  /// Destroys a live object. During its destructor alive() is false, and its place is not free yet.
  void destroy(std::uint32_t index) noexcept {
    assert(alive(index));
    word(index) &= ~bit(index);
    (*this)[index].~T();
    give_back_place(index);
  }

  /// The live object of that index.
  T& operator[](std::uint32_t index) noexcept {
    return *std::launder(static_cast<T*>(place(index)));
  }
  const T& operator[](std::uint32_t index) const noexcept {
    return *std::launder(static_cast<const T*>(place(index)));
  }

  /// Any index is allowed.
  bool alive(std::uint32_t index) const noexcept {
    return index < used_ && (word(index) & bit(index)) != 0;
  }

  std::size_t size() const noexcept { return size_; }

  /// The first live index from `from` on, or none.
  std::uint32_t next(std::uint32_t from) const noexcept {
    while (from < used_) {
      if (const std::uint64_t rest = word(from) >> (from % bits))
        return from + static_cast<std::uint32_t>(std::countr_zero(rest));
      from = (from / bits + 1) * bits;
    }
    return none;
  }

  /// Calls fn(T&) for each live object in the order of indices. fn may destroy any object, and make
  /// objects, which may or may not be visited.
  template <class Fn>
  void for_each(Fn&& fn) {
    for (std::uint32_t index = next(0); index != none; index = next(index + 1)) fn((*this)[index]);
  }

 private:
  // A free place holds the index of the next free one.
  static constexpr std::size_t place_size =
      std::max(sizeof(T),
               sizeof(std::uint32_t));  // NOLINT(bugprone-sizeof-expression): T may be a pointer
  struct alignas(T) Place {
    std::byte bytes[place_size];
  };

  static constexpr std::size_t chunk_bytes = 64 * 1024;
  static constexpr std::uint32_t places =
      std::bit_floor(std::max<std::size_t>(1, chunk_bytes / sizeof(Place)));
  // Bits in use in each word of `alive`.
  static constexpr std::uint32_t bits = std::min<std::uint32_t>(64, places);
  struct Chunk {
    std::array<std::uint64_t, places / bits> alive{};
    Place place[places];
  };

  void* place(std::uint32_t index) noexcept {
    return chunks_[index / places]->place[index % places].bytes;
  }
  const void* place(std::uint32_t index) const noexcept {
    return chunks_[index / places]->place[index % places].bytes;
  }
  std::uint64_t& word(std::uint32_t index) noexcept {
    return chunks_[index / places]->alive[index % places / bits];
  }
  const std::uint64_t& word(std::uint32_t index) const noexcept {
    return chunks_[index / places]->alive[index % places / bits];
  }
  static std::uint64_t bit(std::uint32_t index) noexcept {
    return std::uint64_t{1} << (index % bits);
  }

  std::uint32_t take_place() {
    const std::uint32_t index = free_ != none ? pop_free() : take_unused();
    ++size_;
    return index;
  }

  void give_back_place(std::uint32_t index) noexcept {
    push_free(index);
    if (--size_ == 0) start_over();
  }

  std::uint32_t take_unused() {
    if (used_ == chunks_.size() * places) {
      chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
      ASAN_POISON_MEMORY_REGION(chunks_.back()->place, sizeof(Chunk::place));
    }
    ASAN_UNPOISON_MEMORY_REGION(place(used_), place_size);
    return used_++;
  }

  std::uint32_t pop_free() noexcept {
    const std::uint32_t index = free_;
    ASAN_UNPOISON_MEMORY_REGION(place(index), place_size);
    std::memcpy(&free_, place(index), sizeof free_);
    return index;
  }

  void push_free(std::uint32_t index) noexcept {
    std::memcpy(place(index), &free_, sizeof free_);
    ASAN_POISON_MEMORY_REGION(place(index), place_size);
    free_ = index;
  }

  // Keeps the first chunk, so that making and destroying a single object repeatedly does not
  // allocate.
  void start_over() noexcept {
    chunks_.resize(1);
    used_ = 0;
    free_ = none;
  }

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t used_ = 0;  // places from here on were never used
  std::uint32_t free_ = none;
  std::size_t size_ = 0;
};

}}}  // namespace evio::v0::detail
