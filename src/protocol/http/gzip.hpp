// Compresses bodies, and decides which ones.
#pragma once

#include <evio/http/request.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

/// Whether a body of this Content-Type usually becomes smaller. Not for text/event-stream, whose
/// events must not wait in a compressor.
bool is_compressible(std::string_view content_type) noexcept;
/// Whether the request's Accept-Encoding accepts gzip (RFC 9110, section 12.5.3).
bool accepts_gzip(const Request& request) noexcept;

/// Makes one gzip stream after the other. An object needs 256 KiB, so a loop has one for whole
/// bodies; only a body in pieces has its own.
class Gzip {
 public:
  Gzip();
  Gzip(const Gzip&) = delete;
  ~Gzip();

  /// Compresses `bytes` and appends the result to `to`, flushed so that the client can decompress
  /// them at once. `last` ends the stream; the next call begins another one.
  void compress(std::string_view bytes, bool last, std::string& to);

 private:
  struct Stream;
  void feed(std::string_view bytes, int flush, std::string& to);

  std::unique_ptr<Stream> stream_;
};

}}}  // namespace evio::v0::http
