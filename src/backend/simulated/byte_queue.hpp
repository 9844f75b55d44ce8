// A queue of bytes in contiguous memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

class ByteQueue {
 public:
  std::size_t size() const noexcept { return bytes_.size() - begin_; }
  bool empty() const noexcept { return size() == 0; }
  std::string_view view() const noexcept { return std::string_view(bytes_).substr(begin_); }

  void append(std::string_view bytes) { bytes_ += bytes; }
  void prepend(std::string_view bytes) {
    bytes_.replace(0, begin_, bytes);
    begin_ = 0;
  }
  void consume(std::size_t count) {
    begin_ += count;
    if (empty()) return clear();
    if (begin_ < bytes_.size() / 2) return;
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
  // Also frees the memory.
  void clear() {
    std::string().swap(bytes_);
    begin_ = 0;
  }

 private:
  std::string bytes_;
  std::size_t begin_ = 0;  // the first byte that is left
};

}}}  // namespace evio::v0::detail
