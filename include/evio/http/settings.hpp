// The limits, deadlines and habits of an HTTP server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <evio/callback.hpp>
#include <evio/duration.hpp>

namespace evio { inline namespace v0 {
class Loop;
}}  // namespace evio::v0

namespace evio { inline namespace v0 { namespace http {

/// Bounds of what a client may send and how long it may take, and what the server does by itself.
/// Bytes and durations: server() throws std::invalid_argument for a negative one.
struct Settings {
  std::size_t request_line_max = 8 << 10;  ///< beyond: 414
  std::size_t header_max =
      8 << 10;  ///< request line and fields; also a chunk's line, and all trailers. Beyond: 431
  std::size_t fields_max = 100;    ///< fields of a header. Beyond: 431
  std::size_t body_max = 1 << 20;  ///< a body that is kept for its handler. Beyond: 413
  std::uint64_t streamed_body_max = UINT64_MAX;  ///< a body that is received in pieces. Beyond: 413

  Duration header_timeout =
      std::chrono::seconds(10);  ///< from a request's first byte to the end of its header: 408
  Duration body_timeout =
      std::chrono::seconds(30);  ///< that a body may be silent, or lag behind body_rate_min: 408
  std::size_t body_rate_min = 1 << 10;  ///< bytes a second that a body must have in the long run
  Duration send_timeout =
      std::chrono::seconds(30);  ///< a client that takes nothing of its answer: reset
  Duration idle_timeout =
      std::chrono::seconds(60);  ///< between requests, and before the first: closed

  bool gzip = true;                  ///< compress what is compressible for clients that accept it
  std::size_t gzip_size_min = 1024;  ///< bytes from which a body is worth it

  /// The time for Date, asked for at most once a second; unset: the system's. For simulations,
  /// which must not read a clock.
  Callback<std::chrono::system_clock::time_point(Loop&)> wall_clock{};
};

}}}  // namespace evio::v0::http
