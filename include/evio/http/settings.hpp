// The limits and timeouts of an HTTP server, and what it does automatically.
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

/// What a client may send, how long it may take, and what the server does automatically. Sizes are
/// in bytes. For any timeout Duration::max() means never; a negative one makes http::server throw
/// std::invalid_argument.
struct Settings {
  /// The request line. A longer one is answered with 414 (RFC 9112, section 3).
  std::size_t request_line_max = 8 << 10;
  /// The request line and all fields together; also the line of a chunk, and all trailers. Beyond
  /// it the answer is 431 (RFC 6585, section 5).
  std::size_t header_max = 8 << 10;
  /// How many fields a header may have. Beyond it the answer is 431.
  std::size_t fields_max = 100;
  /// A body that is stored until its handler is called. A longer one is answered with 413. Each
  /// connection may hold that much memory at the same time.
  std::size_t body_max = 1 << 20;
  /// A body of a Router::stream route; Request::limit_body replaces it. A longer one is answered
  /// with 413.
  std::uint64_t streamed_body_max = UINT64_MAX;

  /// From a request's first byte to the end of its header. After it the answer is 408, so that a
  /// client that sends a byte now and then cannot keep a connection.
  Duration header_timeout = std::chrono::seconds(10);
  /// How long a body may pause, or stay behind body_rate_min. After it the answer is 408. It does
  /// not run while Request::pause holds the body back.
  Duration body_timeout = std::chrono::seconds(30);
  /// Bytes per second that a body must reach on average. Body bytes earn time at this rate, but no
  /// more than has passed: a fast beginning does not pay for a pause later.
  std::size_t body_rate_min = 1 << 10;
  /// A client that receives nothing of its answer for so long is disconnected with a reset. The
  /// server asks TCP what the client has acknowledged, so a slow client is not mistaken for one
  /// that has stopped.
  Duration send_timeout = std::chrono::seconds(30);
  /// How long a connection may be idle between two requests and before the first one. After it the
  /// connection is closed.
  Duration idle_timeout = std::chrono::seconds(60);

  /// Whether bodies with a compressible Content-Type (text, JSON, XML, SVG, WebAssembly) are
  /// compressed for clients that accept gzip (RFC 9110, section 8.4.1.3). Bodies with a
  /// Content-Encoding of their own, partial ones (206), and those with a length() that are written
  /// in pieces are sent as they are.
  bool gzip = true;
  /// Bodies of fewer bytes are not compressed: the gain would be smaller than the cost.
  std::size_t gzip_size_min = 1024;

  /// Returns the time for the Date field. It is called at most once a second and loop. If it is not
  /// set, the system's clock is used; a simulation must set it, because it may not read that clock.
  Callback<std::chrono::system_clock::time_point(Loop&)> wall_clock{};
};

}}}  // namespace evio::v0::http
