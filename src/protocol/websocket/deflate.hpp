// Compressing and decompressing messages as permessage-deflate (RFC 7692) has it, by zlib.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace websocket {

/// What both sides agreed on for one direction.
struct DeflateTerms {
  int window_bits = 15;          // 8 to 15
  bool context_takeover = true;  // messages refer to those before them
};

/// One direction's messages, whole ones. Owns memory from the first on, without context takeover
/// only during a call.
class Compressor {
 public:
  explicit Compressor(DeflateTerms terms) noexcept;
  ~Compressor();

  void compress(std::string_view message, std::string& to);
  /// Bytes of memory, more or less.
  std::size_t held() const noexcept;

 private:
  struct Stream;

  const DeflateTerms terms_;
  std::unique_ptr<Stream> stream_;
};

/// The other direction's, in pieces. Owns memory from the first on, without context takeover only
/// within a message.
class Decompressor {
 public:
  explicit Decompressor(DeflateTerms terms) noexcept;
  ~Decompressor();

  enum class Result { good, malformed, too_large };
  /// Appends to `to`, which must not grow beyond `limit`.
  Result add(std::string_view piece, std::string& to, std::size_t limit);
  /// What add() does with the end of the message.
  Result end(std::string& to, std::size_t limit);
  /// Bytes of memory, more or less.
  std::size_t held() const noexcept;

 private:
  struct Stream;

  const DeflateTerms terms_;
  std::unique_ptr<Stream> stream_;
};

}}}  // namespace evio::v0::websocket
