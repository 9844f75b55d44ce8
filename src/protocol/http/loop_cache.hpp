// What an HTTP server has once for each loop: answers on their way out, the date, and
// exchanges to use again.
#pragma once

#include <chrono>
#include <cstddef>
#include <evio/loop.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/http/exchange.hpp"

namespace evio { inline namespace v0 { namespace http {

class Session;

/// Pieces of output, gathered so as to be written at once. Room for all that is put into it before
/// it is full, and one piece more: it never grows.
class Batch {
 public:
  static constexpr std::size_t piece_max = 16 << 10;  // larger ones are not worth a copy

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

/// Belongs to its loop's thread.
class LoopCache {
 public:
  explicit LoopCache(Loop& loop) : loop_(loop) {}

  std::unique_ptr<Exchange> acquire(Session& session);
  void release(std::unique_ptr<Exchange> exchange) noexcept;

  /// "\r\nServer: ...\r\nDate: ...", formatted once a second.
  std::string_view common_fields(const Settings& settings);
  /// The Date of these.
  std::chrono::sys_seconds date(const Settings& settings);

  /// For whole bodies.
  Gzip& gzip();

  /// What the running handler's connection sends; empty between two handlers.
  Batch batch;

 private:
  static constexpr std::size_t kept_exchanges = 64;

  void look_at_clock(const Settings& settings);

  Loop& loop_;
  std::vector<std::unique_ptr<Exchange>> spare_;
  std::unique_ptr<Gzip> gzip_;
  std::chrono::steady_clock::time_point stale_{};
  std::chrono::sys_seconds date_{};
  char fields_[64];
  std::size_t size_ = 0;
};

}}}  // namespace evio::v0::http
