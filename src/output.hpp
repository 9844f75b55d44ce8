// The output queue of a connection: a list of pieces, and the loop's pool that provides its memory.
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

// One piece of output: bytes of its own (stored after the struct), a reference to borrowed input,
// or a part of a SharedBytes.
struct OutputPiece {
  enum class Kind { small, large, borrowed, shared };

  OutputPiece* next = nullptr;
  const char* data = nullptr;
  std::size_t size = 0;
  std::size_t room = 0;  // free bytes after those in use; 0 for references
  Kind kind = Kind::large;
  SharedBytes owner{};  // keeps shared bytes alive
};

// The output memory of one loop. It keeps a bounded number of free blocks: steady traffic allocates
// nothing, and an idle server holds little.
class OutputPool {
 public:
  // Up to this size copying costs no more than a reference, and takes less memory.
  static constexpr std::size_t copied_bytes = 512;
  // Most replies fit into a small block. With small blocks, the memory that a batch of replies
  // writes stays in the processor's cache.
  static constexpr std::size_t small_bytes = 1 << 10;
  static constexpr std::size_t large_bytes = 16 << 10;

  OutputPool();
  OutputPool(const OutputPool&) = delete;
  OutputPool& operator=(const OutputPool&) = delete;
  ~OutputPool();

  // Makes a queue, and takes it back. Throws std::bad_alloc.
  Output* make_output();
  void give_back(Output* output) noexcept;

  // Bytes in all queues of the loop.
  std::size_t pending = 0;
  // The memory that these take: blocks, bookkeeping, and all bytes of the SharedBytes.
  std::size_t held = 0;

 private:
  friend class Output;
  using Kind = OutputPiece::Kind;

  // Free blocks of one size.
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

// The queue. Its size does not matter much, since only a connection with pending output has one.
class Output {
 public:
  explicit Output(OutputPool& pool) noexcept : pool_(pool) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    if (!empty()) clear();
  }

  // Each of these may throw std::bad_alloc when it has appended a part of the bytes.

  void append_copy(std::string_view bytes);
  // Appends a reference: the bytes must stay valid until own() is called or they are consumed.
  // Small ones are copied, unless the queue is empty.
  void append_borrowed(std::string_view bytes);
  // Appends a share of the bytes. Small ones are copied, unless the queue is empty.
  void append_shared(SharedBytes bytes);
  // Copies borrowed bytes. If it throws, the queue is only good for being cleared: some bytes may
  // still be borrowed, and some may be present twice.
  void own();

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  // Describes the first pieces, as many as fit into `room`.
  std::span<const Chunk> front(std::span<Chunk> room) const noexcept;
  // As front(), in memory of this queue, which stays in place while a send is in flight.
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
  bool has_borrowed_ = false;
  bool first_in_use_ = false;
  std::uint8_t small_blocks_ = 0;  // so many of the next blocks will be small
  // The memory of the first reference. Most queues have only one, and so need no block for it.
  OutputPiece first_{};
  Chunk in_flight_[16];
};

inline OutputPool::OutputPool() : outputs_(sizeof(Output), 512) {}

}}}  // namespace evio::v0::detail
