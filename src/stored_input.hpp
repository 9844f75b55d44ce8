// The bytes that a handler left untaken, kept until more arrive.
#pragma once

#include <cstddef>
#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

/// A queue of bytes, contiguous at all times. Each byte is copied a bounded number of times however
/// little is appended or consumed at once. Owns memory only while it holds bytes, and at most in
/// proportion to them. One thread.
class StoredInput {
 public:
  StoredInput() = default;
  StoredInput(const StoredInput&) = delete;
  StoredInput& operator=(const StoredInput&) = delete;
  ~StoredInput();

  /// Copies the bytes, which must not be its own, behind what is there. Throws std::bad_alloc, and
  /// then keeps what it had. Invalidates earlier views.
  void append(std::string_view bytes);
  /// Everything, valid until the next append or consume.
  std::string_view view() const noexcept { return {memory_ + begin_, size()}; }
  /// Drops the first n bytes; n is at most size(). May move the rest.
  void consume(std::size_t n) noexcept;

  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  /// Bytes of memory owned.
  std::size_t capacity() const noexcept { return capacity_; }

  // How many of the first bytes a codec has searched in vain.
  std::size_t searched = 0;

 private:
  void make_room(std::size_t n);
  bool move_to_new_memory(std::size_t capacity) noexcept;
  void give_back_memory() noexcept;

  char* memory_ = nullptr;
  std::size_t begin_ = 0;  // of the bytes held
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}}}  // namespace evio::v0::detail
