// The codecs of evio/codecs.hpp: where a message begins and ends in a stream.
#include <algorithm>
#include <array>
#include <cstdint>
#include <evio/codecs.hpp>
#include <stdexcept>

namespace evio { inline namespace v0 { namespace codec {

namespace {

// The frame after a prefix that gives its length. A length beyond the address space is reported as
// incomplete with the largest size, so that the connection closes because of Limits::input_max and
// the sum does not overflow.
Decoded behind(std::size_t prefix, std::uint64_t length, std::string_view bytes) noexcept {
  if (length > SIZE_MAX - prefix) return Decoded::incomplete(SIZE_MAX);
  const std::size_t size = prefix + static_cast<std::size_t>(length);
  if (bytes.size() < size) return Decoded::incomplete(size);
  return Decoded::frame(bytes.substr(prefix, size - prefix), size);
}

}  // namespace

FixedLength::FixedLength(std::size_t size) : size_(size) {
  if (size == 0)
    throw std::invalid_argument("evio::codec::FixedLength: the size of a message must not be 0");
}

Decoded FixedLength::decode(std::string_view bytes, std::size_t) const noexcept {
  return behind(0, size_, bytes);
}

void FixedLength::encode(std::string_view message, ByteSink& wire) const {
  if (message.size() != size_)
    throw std::length_error("evio::codec::FixedLength: a message of " +
                            std::to_string(message.size()) + " bytes instead of " +
                            std::to_string(size_));
  wire.append(message);
}

LengthPrefixed::LengthPrefixed(std::size_t width, std::endian order)
    : width_(width), order_(order) {
  if (width != 1 && width != 2 && width != 4 && width != 8)
    throw std::invalid_argument(
        "evio::codec::LengthPrefixed: the length has 1, 2, 4 or 8 bytes, not " +
        std::to_string(width));
}

Decoded LengthPrefixed::decode(std::string_view bytes, std::size_t) const noexcept {
  if (bytes.size() < width_) return Decoded::incomplete();
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < width_; ++i) {
    const std::size_t at = order_ == std::endian::big ? i : width_ - 1 - i;
    length = length << 8 | static_cast<unsigned char>(bytes[at]);
  }
  return behind(width_, length, bytes);
}

void LengthPrefixed::encode(std::string_view message, ByteSink& wire) const {
  const std::uint64_t length = message.size();
  if (width_ < 8 && length >> (8 * width_) != 0)
    throw std::length_error("evio::codec::LengthPrefixed: " + std::to_string(width_) +
                            " bytes cannot hold a length of " + std::to_string(length));
  std::array<char, 8> prefix{};
  for (std::size_t i = 0; i < width_; ++i) {
    const std::size_t at = order_ == std::endian::little ? i : width_ - 1 - i;
    prefix[at] = static_cast<char>(length >> (8 * i));
  }
  wire.append({prefix.data(), width_});
  wire.append(message);
}

Decoded VarintPrefixed::decode(std::string_view bytes, std::size_t) const noexcept {
  constexpr std::size_t longest = 10;  // bytes of 7 bits each for 64 bits
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < longest && i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i == longest - 1 && byte > 1) return Decoded::malformed();  // more than 64 bits
    length |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) return behind(i + 1, length, bytes);
  }
  return Decoded::incomplete();
}

void VarintPrefixed::encode(std::string_view message, ByteSink& wire) const {
  std::array<char, 10> prefix{};
  std::size_t size = 0;
  std::uint64_t left = message.size();
  for (; left >= 0x80; left >>= 7) prefix[size++] = static_cast<char>(left | 0x80);
  prefix[size++] = static_cast<char>(left);
  wire.append({prefix.data(), size});
  wire.append(message);
}

Delimited::Delimited(std::string delimiter) : delimiter_(std::move(delimiter)) {
  if (delimiter_.empty())
    throw std::invalid_argument("evio::codec::Delimited: the delimiter is empty");
}

// The last bytes that were searched may be the beginning of the delimiter.
Decoded Delimited::decode(std::string_view bytes, std::size_t searched) const noexcept {
  const std::size_t from = searched < delimiter_.size() ? 0 : searched - (delimiter_.size() - 1);
  const std::size_t end = bytes.find(delimiter_, from);
  if (end == bytes.npos) return Decoded::incomplete();
  return Decoded::frame(bytes.substr(0, end), end + delimiter_.size());
}

// A message must not contain the delimiter, and its end must not form one together with the
// beginning of the delimiter after it ("a;" with ";;" would be read as "a" and then as a message
// that begins with ";").
void Delimited::encode(std::string_view message, ByteSink& wire) const {
  std::string tail(
      message.substr(message.size() - std::min(message.size(), delimiter_.size() - 1)));
  tail += delimiter_;
  if (message.find(delimiter_) != message.npos ||
      tail.find(delimiter_) != tail.size() - delimiter_.size())
    throw std::invalid_argument("evio::codec::Delimited: the message contains the delimiter");
  wire.append(message);
  wire.append(delimiter_);
}

// CRLF and LF are both accepted; `searched` bytes have no LF, so each byte is looked at once.
Decoded Lines::decode(std::string_view bytes, std::size_t searched) const noexcept {
  const std::size_t end = bytes.find('\n', searched);
  if (end == bytes.npos) return Decoded::incomplete();
  const bool crlf = end > 0 && bytes[end - 1] == '\r';
  return Decoded::frame(bytes.substr(0, crlf ? end - 1 : end), end + 1);
}

void Lines::encode(std::string_view message, ByteSink& wire) const {
  if (message.find('\n') != message.npos)
    throw std::invalid_argument("evio::codec::Lines: the message contains the end of a line");
  wire.append(message);
  wire.append("\n");
}

}}}  // namespace evio::v0::codec
