// Bytes waiting to be sent: a queue of pieces, and the loop's pool that its memory comes
// from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <evio/shared_bytes.hpp>
#include <new>
#include <span>
#include <string_view>

#include "backend/driver.hpp"

namespace evio { inline namespace v0 { namespace detail {

class Output;

// One piece of output: bytes of its own (behind the struct), a reference to lent input, or a share
// of a SharedBytes.
struct OutputPiece {
  enum class Kind { small, large, lent, shared };

  OutputPiece* next = nullptr;
  const char* data = nullptr;
  std::size_t size = 0;
  std::size_t room = 0;  // of the bytes behind, how many are free; 0 where there are none
  Kind kind = Kind::large;
  SharedBytes owner{};  // keeps shared bytes alive
};

// Memory for output, of one loop. Keeps a bounded stock, so that steady traffic allocates nothing
// and an idle server holds little.
class OutputPool {
 public:
  // Up to here copying costs no more than a piece that refers to the bytes, and takes less memory.
  static constexpr std::size_t copied_bytes = 512;
  // A reply fits into a small block: what a batch of them touches stays in the cache.
  static constexpr std::size_t small_bytes = 1 << 10;
  static constexpr std::size_t large_bytes = 16 << 10;

  OutputPool();
  OutputPool(const OutputPool&) = delete;
  OutputPool& operator=(const OutputPool&) = delete;
  ~OutputPool();

  Output* make_output();
  void give_back(Output* output) noexcept;

  std::size_t pending = 0;  // bytes that all queues of the loop hold
  std::size_t held =
      0;  // bytes of memory that these take, whole Buffers and what is kept for each piece included

 private:
  friend class Output;
  using Kind = OutputPiece::Kind;

  // Free memory of one size.
  struct Stock {
    explicit Stock(std::size_t size, std::size_t count_max) noexcept
        : bytes(size), most(count_max) {}
    const std::size_t bytes;
    const std::size_t most;
    void* head = nullptr;
    std::size_t count = 0;
  };
  void* take(Stock& stock);
  void put(Stock& stock, void* memory) noexcept;
  static void trim(Stock& stock) noexcept;

  OutputPiece* make_block(Kind kind);
  OutputPiece* make_reference() { return new (take(references_)) OutputPiece; }
  void destroy(OutputPiece* piece) noexcept;
  Stock& stock_of(Kind kind) noexcept;

  Stock small_{small_bytes, 512};
  Stock large_{large_bytes, 32};
  Stock references_{sizeof(OutputPiece), 512};
  Stock outputs_;
};

class Output {
 public:
  explicit Output(OutputPool& pool) noexcept : pool_(pool) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    if (!empty()) clear();
  }

  // If there is no memory for more, these throw std::bad_alloc, and some of the bytes may have been
  // appended.
  void append_copy(std::string_view bytes);
  // Until own() the bytes must stay. Small ones are copied, but the first.
  void append_lent(std::string_view bytes);
  // Likewise.
  void append_shared(SharedBytes bytes);
  // Copies what is lent. When it throws, some of it is lent still, and some may be there twice.
  void own();

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  // The first pieces, as many as fit.
  std::span<const Chunk> front(std::span<Chunk> room) const noexcept;
  // The same in memory that stays while they are in flight.
  std::span<const Chunk> front_in_place() noexcept { return front(in_flight_); }
  void consume(std::size_t count) noexcept;
  void clear() noexcept { consume(size_); }

 private:
  void link(OutputPiece* piece) noexcept;
  void destroy(OutputPiece* piece) noexcept;
  void append_reference(OutputPiece::Kind kind, std::string_view bytes);
  void append_block(std::size_t size);

  OutputPool& pool_;
  OutputPiece* head_ = nullptr;
  OutputPiece* tail_ = nullptr;
  std::size_t size_ = 0;
  bool has_lent_ = false;
  bool first_in_use_ = false;
  std::uint8_t small_blocks_ = 0;  // how many of the next blocks are small
  // The reference of a queue that has one, as most have, needs no memory apart.
  OutputPiece first_{};
  Chunk in_flight_[16];
};

inline OutputPool::OutputPool() : outputs_(sizeof(Output), 512) {}

}}}  // namespace evio::v0::detail
