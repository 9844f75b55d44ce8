#include "output.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {

namespace {

struct Free {
  Free* next;
};

char* bytes_behind(OutputPiece* piece) noexcept { return reinterpret_cast<char*>(piece + 1); }

}  // namespace

OutputPool::~OutputPool() {
  for (Stock* stock : {&small_, &large_, &references_, &outputs_}) trim(*stock);
}

// Blocks are raw memory, in which objects of different types are placed.
void* OutputPool::take(Stock& stock) {
  void* memory = stock.head;
  if (memory) {
    stock.head = static_cast<Free*>(memory)->next;
    --stock.count;
  } else if (!(memory = std::malloc(stock.bytes))) {
    throw std::bad_alloc();
  }
  held += stock.bytes;
  return memory;
}

void OutputPool::put(Stock& stock, void* memory) noexcept {
  held -= stock.bytes;
  if (stock.count == stock.most) return std::free(memory);
  stock.head = new (memory) Free{static_cast<Free*>(stock.head)};
  ++stock.count;
}

void OutputPool::trim(Stock& stock) noexcept {
  while (stock.head) {
    auto* first = static_cast<Free*>(stock.head);
    stock.head = first->next;
    std::free(first);
  }
}

Output* OutputPool::make_output() { return new (take(outputs_)) Output(*this); }

void OutputPool::give_back(Output* output) noexcept {
  output->~Output();
  put(outputs_, output);
}

OutputPool::Stock& OutputPool::stock_of(Kind kind) noexcept {
  if (kind == Kind::small) return small_;
  return kind == Kind::large ? large_ : references_;
}

OutputPiece* OutputPool::make_block(Kind kind) {
  Stock& stock = stock_of(kind);
  auto* piece = new (take(stock)) OutputPiece;
  piece->data = bytes_behind(piece);
  piece->room = stock.bytes - sizeof(OutputPiece);
  piece->kind = kind;
  return piece;
}

void OutputPool::destroy(OutputPiece* piece) noexcept {
  Stock& stock = stock_of(piece->kind);
  piece->~OutputPiece();
  put(stock, piece);
}

void Output::link(OutputPiece* piece) noexcept {
  (tail_ ? tail_->next : head_) = piece;
  tail_ = piece;
}

void Output::destroy(OutputPiece* piece) noexcept {
  if (piece != &first_) return pool_.destroy(piece);
  if (first_.kind == OutputPiece::Kind::shared) first_.owner = {};
  first_in_use_ = false;
}

void Output::append_reference(OutputPiece::Kind kind, std::string_view bytes) {
  OutputPiece* const piece = std::exchange(first_in_use_, true) ? pool_.make_reference() : &first_;
  piece->next = nullptr;
  piece->data = bytes.data();
  piece->size = bytes.size();
  piece->kind = kind;
  link(piece);
  small_blocks_ = 8;
  size_ += bytes.size();
  pool_.pending += bytes.size();
}

// The first block is small if that is enough; further ones are large. After a reference the next
// few blocks are small: when copies and references alternate, large blocks would stay mostly empty.
void Output::append_block(std::size_t size) {
  const bool fits = !head_ && size <= OutputPool::small_bytes - sizeof(OutputPiece);
  const bool small = fits || small_blocks_ > 0;
  if (small_blocks_ > 0) --small_blocks_;
  link(pool_.make_block(small ? OutputPiece::Kind::small : OutputPiece::Kind::large));
}

void Output::append_copy(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!tail_ || tail_->room == 0) append_block(bytes.size());
    const std::size_t n = std::min(bytes.size(), tail_->room);
    std::memcpy(const_cast<char*>(tail_->data) + tail_->size, bytes.data(), n);
    tail_->size += n;
    tail_->room -= n;
    size_ += n;
    pool_.pending += n;
    bytes.remove_prefix(n);
  }
}

// Bytes that directly follow the last piece extend it: a handler that writes parts of its input one
// by one causes a single piece.
void Output::append_borrowed(std::string_view bytes) {
  if (bytes.empty()) return;
  if (tail_ && tail_->kind == OutputPiece::Kind::borrowed &&
      tail_->data + tail_->size == bytes.data()) {
    tail_->size += bytes.size();
    size_ += bytes.size();
    pool_.pending += bytes.size();
    return;
  }
  if (tail_ && bytes.size() <= OutputPool::copied_bytes) return append_copy(bytes);
  append_reference(OutputPiece::Kind::borrowed, bytes);
  has_borrowed_ = true;
}

void Output::append_shared(SharedBytes bytes) {
  if (bytes.size() == 0) return;
  if (tail_ && bytes.size() <= OutputPool::copied_bytes) return append_copy(bytes.view());
  append_reference(OutputPiece::Kind::shared, bytes.view());
  pool_.held += bytes.size();
  tail_->owner = std::move(bytes);
}

// Builds the queue anew from its pieces, in which borrowed ones are replaced by copies. Sizes are
// corrected, since append_copy counts the copied bytes again.
void Output::own() {
  if (!has_borrowed_) return;
  OutputPiece* piece = std::exchange(head_, nullptr);
  tail_ = nullptr;
  try {
    while (piece) {
      if (piece->kind == OutputPiece::Kind::borrowed) {
        append_copy({piece->data, piece->size});
        size_ -= piece->size;
        pool_.pending -= piece->size;
        OutputPiece* const copied = std::exchange(piece, piece->next);
        destroy(copied);
      } else {
        OutputPiece* const kept = std::exchange(piece, piece->next);
        kept->next = nullptr;
        link(kept);
      }
    }
  } catch (...) {  // links the remaining pieces, so that clear() frees all of them
    (tail_ ? tail_->next : head_) = piece;
    while (piece) tail_ = std::exchange(piece, piece->next);
    throw;
  }
  has_borrowed_ = false;
}

std::span<const Chunk> Output::front(std::span<Chunk> room) const noexcept {
  std::size_t count = 0;
  for (OutputPiece* piece = head_; piece && count < room.size(); piece = piece->next)
    room[count++] = {piece->data, piece->size};
  return room.first(count);
}

void Output::consume(std::size_t count) noexcept {
  size_ -= count;
  pool_.pending -= count;
  while (count > 0) {
    OutputPiece* piece = head_;
    const std::size_t n = std::min(count, piece->size);
    piece->data += n;
    piece->size -= n;
    count -= n;
    if (piece->kind == OutputPiece::Kind::shared) pool_.held -= n;
    if (piece->size > 0) return;
    head_ = piece->next;
    if (!head_) tail_ = nullptr;
    destroy(piece);
  }
  if (size_ == 0) has_borrowed_ = false;
}

}}}  // namespace evio::v0::detail
