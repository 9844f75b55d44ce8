#include "stored_input.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>

namespace evio { inline namespace v0 { namespace detail {

namespace {

constexpr std::size_t smallest = 64;          // the smallest allocation
constexpr std::size_t worth_trimming = 4096;  // smaller memory is not reduced

}  // namespace

StoredInput::~StoredInput() { std::free(memory_); }

void StoredInput::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (bytes.size() > capacity_ - end_) make_room(bytes.size());
  std::memcpy(memory_ + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void StoredInput::consume(std::size_t n) noexcept {
  assert(n <= size());
  begin_ += n;
  if (empty())
    give_back_memory();
  else if (capacity_ > worth_trimming && size() < capacity_ / 4)
    move_to_new_memory(2 * size());  // if that fails, the old memory is used further
}

// Moves the bytes to the front only if at least as many were consumed since the last move. So the
// cost of all moves is at most proportional to the number of consumed bytes.
void StoredInput::make_room(std::size_t n) {
  const std::size_t needed = size() + n;
  if (begin_ >= size() && needed <= capacity_) {
    std::memmove(memory_, memory_ + begin_, size());
    end_ = size();
    begin_ = 0;
  } else if (!move_to_new_memory(std::max({needed, 2 * capacity_, smallest}))) {
    throw std::bad_alloc();
  }
}

bool StoredInput::move_to_new_memory(std::size_t capacity) noexcept {
  char* memory =
      static_cast<char*>(begin_ == 0 ? std::realloc(memory_, capacity) : std::malloc(capacity));
  if (!memory) return false;
  if (begin_ != 0) {
    std::memcpy(memory, memory_ + begin_, size());
    std::free(memory_);
  }
  memory_ = memory;
  end_ = size();
  begin_ = 0;
  capacity_ = capacity;
  return true;
}

void StoredInput::give_back_memory() noexcept {
  std::free(memory_);
  memory_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

}}}  // namespace evio::v0::detail
