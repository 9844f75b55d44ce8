// Private. What an HTTP server has once for each loop: answers on their way out, the date, and exchanges to use again.
#pragma once

#include <chrono>
#include <cstddef>
#include <evio/loop.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http/exchange.hpp"

namespace evio::inline v1::http {

class Session;

/// Belongs to its loop's thread.
class Worker {
 public:
  explicit Worker(Loop& loop) noexcept : loop_(loop) {}

  std::unique_ptr<Exchange> acquire(Session& session);
  void release(std::unique_ptr<Exchange> exchange) noexcept;

  /// "Server: ...\r\nDate: ...\r\n", formatted once a second.
  std::string_view common_fields(const Settings& settings);

  /// For whole bodies.
  Gzip& gzip();

  /// What the running handler's connection sends; empty between two handlers.
  std::string batch;

 private:
  static constexpr std::size_t kept_exchanges = 64;

  Loop& loop_;
  std::vector<std::unique_ptr<Exchange>> spare_;
  std::unique_ptr<Gzip> gzip_;
  std::chrono::steady_clock::time_point stale_{};
  char fields_[64];
  std::size_t size_ = 0;
};

}  // namespace evio::inline v1::http
