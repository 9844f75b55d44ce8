// Stored input: the bytes that a handler did not consume, until more arrive.
#pragma once

#include <cstddef>
#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

/// A queue of bytes in contiguous memory. Each byte is copied a bounded number of times, however
/// small the appended and consumed parts are. It owns memory only while it contains bytes, and not
/// more than in proportion to them. One thread.
class StoredInput {
 public:
  StoredInput() = default;
  StoredInput(const StoredInput&) = delete;
  StoredInput& operator=(const StoredInput&) = delete;
  ~StoredInput();

  /// Appends a copy of the bytes, which must not be part of this queue. If it throws
  /// std::bad_alloc, nothing has changed. Invalidates earlier views.
  void append(std::string_view bytes);
  /// All bytes. Valid until the next append or consume.
  std::string_view view() const noexcept { return {memory_ + begin_, size()}; }
  /// Removes the first n bytes; n is at most size(). May move the rest.
  void consume(std::size_t n) noexcept;

  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  /// The memory that it owns, in bytes.
  std::size_t capacity() const noexcept { return capacity_; }

  // So many of the first bytes were searched by the codec without finding the end of a message.
  std::size_t searched = 0;

 private:
  void make_room(std::size_t n);
  bool move_to_new_memory(std::size_t capacity) noexcept;
  void give_back_memory() noexcept;

  char* memory_ = nullptr;
  std::size_t begin_ = 0;  // the first byte in use
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}}}  // namespace evio::v0::detail
