// What an HTTP server has once for each loop: the output batch, the date, and exchanges for reuse.
#pragma once

#include <chrono>
#include <cstddef>
#include <evio/input.hpp>
#include <evio/loop.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/http/exchange.hpp"

namespace evio { inline namespace v0 { namespace http {

class Session;

/// Collects the small pieces of an answer, so that they are passed to the connection in one write.
/// While full() is false, there is room for one more piece of piece_max bytes: so append() need not
/// check, and the memory never moves.
class Batch {
 public:
  /// Larger pieces are written by themselves: copying them would cost more than a write.
  static constexpr std::size_t piece_max = 16 << 10;

  void append(std::string_view piece) noexcept {
    size_ += piece.copy(bytes_.get() + size_, piece.size());
  }
  bool full() const noexcept { return size_ >= full_size; }
  std::string_view view() const noexcept { return {bytes_.get(), size_}; }
  void clear() noexcept { size_ = 0; }

 private:
  static constexpr std::size_t full_size = 64 << 10;

  const std::unique_ptr<char[]> bytes_ =
      std::make_unique_for_overwrite<char[]>(full_size + piece_max);
  std::size_t size_ = 0;
};

/// What the connections of one loop share, on the loop's thread only. One batch is enough for all
/// of them, because one handler runs at a time and its output is flushed before the next.
class LoopCache {
 public:
  explicit LoopCache(Loop& loop) : loop_(loop) {}

  /// Returns an exchange for a new request, reused if possible.
  std::unique_ptr<Exchange> acquire(Session& session);
  void release(std::unique_ptr<Exchange> exchange) noexcept;

  /// "\r\nServer: ...\r\nDate: ...", formatted once a second.
  std::string_view common_fields(const Settings& settings);
  /// The time that common_fields() states, rounded down to a second.
  std::chrono::sys_seconds date(const Settings& settings);

  /// The compressor of whole bodies, made when it is first needed.
  Gzip& gzip();

  /// The output of the connection whose handler runs; empty between two handlers.
  Batch batch;
  /// The connection whose `data` runs, and the input that it is passed. They are here, so that an
  /// idle connection need not have room for a pointer.
  const Session* reader = nullptr;
  const Input* input = nullptr;

 private:
  static constexpr std::size_t kept_exchanges = 64;  // more are freed, or a peak would bind memory

  void read_clock(const Settings& settings);

  Loop& loop_;
  std::vector<std::unique_ptr<Exchange>> spare_;
  std::unique_ptr<Gzip> gzip_;
  std::chrono::steady_clock::time_point stale_{};  // when fields_ must be formatted anew
  std::chrono::sys_seconds date_{};
  char fields_[64];
  std::size_t size_ = 0;
};

}}}  // namespace evio::v0::http
