// The codecs that most protocols need: `{.codec = evio::codec::Lines{}, .data = ...}`.
#pragma once

#include <bit>
#include <cstddef>
#include <evio/codec.hpp>
#include <evio/export.hpp>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace codec {

/// Every message is `size` bytes. encode throws std::length_error for others.
class EVIO_API FixedLength {
 public:
  /// Throws std::invalid_argument for 0.
  explicit FixedLength(std::size_t size);
  /// As Codec::decode.
  Decoded decode(std::string_view bytes, std::size_t searched) const noexcept;
  /// As Codec::encode.
  void encode(std::string_view message, ByteSink& wire) const;

 private:
  std::size_t size_;
};

/// A number of 1, 2, 4 or 8 bytes says how many follow. encode throws std::length_error for a
/// message whose length does not fit in there.
class EVIO_API LengthPrefixed {
 public:
  /// `order`: of the number's bytes; big is what networks use. Throws std::invalid_argument for
  /// another width.
  explicit LengthPrefixed(std::size_t width, std::endian order = std::endian::big);
  /// As Codec::decode.
  Decoded decode(std::string_view bytes, std::size_t searched) const noexcept;
  /// As Codec::encode.
  void encode(std::string_view message, ByteSink& wire) const;

 private:
  std::size_t width_;
  std::endian order_;
};

/// A varint, seven bits a byte and the lowest first, says how many bytes follow: how Protobuf
/// messages are strung together. A number beyond 64 bits is malformed.
class EVIO_API VarintPrefixed {
 public:
  /// As Codec::decode.
  Decoded decode(std::string_view bytes, std::size_t searched) const noexcept;
  /// As Codec::encode.
  void encode(std::string_view message, ByteSink& wire) const;
};

/// A delimiter ends each message, and is no part of it. encode throws std::invalid_argument for a
/// message that holds it.
class EVIO_API Delimited {
 public:
  /// Throws std::invalid_argument if the delimiter is empty.
  explicit Delimited(std::string delimiter);
  /// As Codec::decode.
  Decoded decode(std::string_view bytes, std::size_t searched) const noexcept;
  /// As Codec::encode.
  void encode(std::string_view message, ByteSink& wire) const;

 private:
  std::string delimiter_;
};

/// Lines: "\n" or "\r\n" ends each; written with "\n". encode throws std::invalid_argument for a
/// message that holds
/// "\n".
class EVIO_API Lines {
 public:
  /// As Codec::decode.
  Decoded decode(std::string_view bytes, std::size_t searched) const noexcept;
  /// As Codec::encode.
  void encode(std::string_view message, ByteSink& wire) const;
};

}}}  // namespace evio::v0::codec
