// The codecs that most protocols need, for Events::codec: Lines, Delimited, LengthPrefixed and
// others.
#pragma once

#include <bit>
#include <cstddef>
#include <evio/codec.hpp>
#include <evio/export.hpp>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace codec {

/// Every message has the same size: `{.codec = evio::codec::FixedLength(16), .data = ...}`. encode
/// throws std::length_error for a message of another size.
class EVIO_API FixedLength {
 public:
  /// `size` in bytes; throws std::invalid_argument for 0.
  explicit FixedLength(std::size_t size);
  /// As Codec::decode.
  Decoded decode(std::string_view bytes, std::size_t searched) const noexcept;
  /// As Codec::encode.
  void encode(std::string_view message, ByteSink& wire) const;

 private:
  std::size_t size_;
};

/// A number of 1, 2, 4 or 8 bytes precedes each message and says how many bytes follow:
/// `LengthPrefixed(4)`. encode throws std::length_error for a message whose length does not fit.
class EVIO_API LengthPrefixed {
 public:
  /// `width` is the size of the number in bytes; throws std::invalid_argument if it is not 1, 2, 4
  /// or
  /// 8. `order` is its byte order; network protocols use big endian.
  explicit LengthPrefixed(std::size_t width, std::endian order = std::endian::big);
  /// As Codec::decode.
  Decoded decode(std::string_view bytes, std::size_t searched) const noexcept;
  /// As Codec::encode.
  void encode(std::string_view message, ByteSink& wire) const;

 private:
  std::size_t width_;
  std::endian order_;
};

/// A varint (7 bits in each byte, the lowest ones first) precedes each message and says how many
/// bytes follow: the usual framing of Protobuf messages. A varint of more than 64 bits is
/// malformed.
class EVIO_API VarintPrefixed {
 public:
  /// As Codec::decode.
  Decoded decode(std::string_view bytes, std::size_t searched) const noexcept;
  /// As Codec::encode.
  void encode(std::string_view message, ByteSink& wire) const;
};

/// A delimiter ends each message, and is not part of it: `Delimited("\r\n")`. encode throws
/// std::invalid_argument for a message that contains the delimiter.
class EVIO_API Delimited {
 public:
  /// The delimiter may have several bytes; throws std::invalid_argument if it is empty.
  explicit Delimited(std::string delimiter);
  /// As Codec::decode.
  Decoded decode(std::string_view bytes, std::size_t searched) const noexcept;
  /// As Codec::encode.
  void encode(std::string_view message, ByteSink& wire) const;

 private:
  std::string delimiter_;
};

/// Lines of text: "\n" or "\r\n" ends each, and is not part of the message; they are written with
/// "\n". encode throws std::invalid_argument for a message that contains "\n".
class EVIO_API Lines {
 public:
  /// As Codec::decode.
  Decoded decode(std::string_view bytes, std::size_t searched) const noexcept;
  /// As Codec::encode.
  void encode(std::string_view message, ByteSink& wire) const;
};

}}}  // namespace evio::v0::codec
