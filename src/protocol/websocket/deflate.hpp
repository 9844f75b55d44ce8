// Compresses and decompresses messages as permessage-deflate (RFC 7692) requires, with zlib.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

/// The negotiated parameters of one direction.
struct DeflateTerms {
  int window_bits = 15;          // 8 to 15
  bool context_takeover = true;  // messages may refer to earlier ones
};

/// Compresses the messages that are sent, one whole message at a time. zlib's memory is allocated
/// for the first message. Without context takeover it is freed after each.
class Compressor {
 public:
  explicit Compressor(DeflateTerms terms) noexcept;
  ~Compressor();

  /// Appends the compressed message to `to`.
  void compress(std::string_view message, std::string& to);
  /// The approximate bytes of memory.
  std::size_t held() const noexcept;

 private:
  struct Stream;

  const DeflateTerms terms_;
  std::unique_ptr<Stream> stream_;
};

/// Decompresses the messages that are received, in pieces. zlib's memory is allocated for the first
/// message. Without context takeover it is freed at the end of each.
class Decompressor {
 public:
  explicit Decompressor(DeflateTerms terms) noexcept;
  ~Decompressor();

  enum class Result { good, malformed, too_large };
  /// Decompresses a piece and appends the result to `to`. If `to` exceeds `limit`, it stops with
  /// too_large: a few bytes can expand to gigabytes.
  Result add(std::string_view piece, std::string& to, std::size_t limit);
  /// Ends the message; as add().
  Result end(std::string& to, std::size_t limit);
  /// The approximate bytes of memory.
  std::size_t held() const noexcept;

 private:
  struct Stream;

  const DeflateTerms terms_;
  std::unique_ptr<Stream> stream_;
};

}}}  // namespace evio::v0::websocket
