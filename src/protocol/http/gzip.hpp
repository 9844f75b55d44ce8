// Compressing bodies.
#pragma once

#include <evio/http/request.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

/// Whether a body of this Content-Type gets smaller.
bool is_compressible(std::string_view content_type) noexcept;
/// Whether the request's Accept-Encoding wants gzip.
bool accepts_gzip(const Request& request) noexcept;

/// One gzip stream after the other. It takes 256 KiB.
class Gzip {
 public:
  Gzip();
  Gzip(const Gzip&) = delete;
  ~Gzip();

  /// Appends what becomes of `bytes` to `to`, all that can be told of them so far; `last` ends the
  /// stream.
  void compress(std::string_view bytes, bool last, std::string& to);

 private:
  struct Stream;
  void feed(std::string_view bytes, int flush, std::string& to);

  std::unique_ptr<Stream> stream_;
};

}}}  // namespace evio::v0::http
