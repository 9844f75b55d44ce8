// Compresses and decompresses messages with zlib.
#include "protocol/websocket/deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

namespace evio { inline namespace v0 { namespace websocket {

namespace {

// The end of a flushed block, which is not sent (RFC 7692, section 7.2.1).
constexpr std::string_view tail{"\x00\x00\xff\xff", 4};
constexpr std::size_t step = 16 << 10;
constexpr int memory_level = 5;    // zlib's default, 8, needs 112 KiB more for each connection
constexpr int end_of_block = 128;  // a bit of z_stream::data_type after inflate

Bytef* input_of(std::string_view bytes) noexcept {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib does not write there
}

}  // namespace

struct Compressor::Stream {
  // zlib has no window of 2^8 for raw deflate. With 2^9 and Z_RLE, references go back one byte
  // only, which any window can follow.
  explicit Stream(int window_bits) {
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -std::max(window_bits, 9), memory_level,
                     window_bits < 9 ? Z_RLE : Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  Stream(const Stream&) = delete;
  ~Stream() { deflateEnd(&z); }

  z_stream z{};
};

Compressor::Compressor(DeflateTerms terms) noexcept : terms_(terms) {}
Compressor::~Compressor() = default;

void Compressor::compress(std::string_view message, std::string& to) {
  if (message.empty()) {  // zlib would produce nothing: an empty block (section 7.2.3.6)
    to += '\0';
    return;
  }
  if (!stream_) stream_ = std::make_unique<Stream>(terms_.window_bits);
  z_stream& z = stream_->z;
  z.next_in = input_of(message);
  z.avail_in = static_cast<uInt>(message.size());
  std::array<char, step> out;
  do {
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = out.size();
    deflate(&z, Z_SYNC_FLUSH);
    to.append(out.data(), out.size() - z.avail_out);
  } while (z.avail_out == 0);
  if (to.ends_with(tail)) to.resize(to.size() - tail.size());
  if (!terms_.context_takeover) stream_.reset();
}

// The formula of zlib's zconf.h.
std::size_t Compressor::held() const noexcept {
  return stream_ ? (std::size_t{4} << terms_.window_bits) + (std::size_t{512} << memory_level) : 0;
}

struct Decompressor::Stream {
  // Peers that agreed to 2^8 may nevertheless compress with 2^9, because zlib does so.
  explicit Stream(int window_bits) {
    if (inflateInit2(&z, -std::max(window_bits, 9)) != Z_OK) throw std::bad_alloc();
  }
  Stream(const Stream&) = delete;
  ~Stream() { inflateEnd(&z); }

  z_stream z{};
  bool in_message = false;
  bool between_blocks = false;
};

Decompressor::Decompressor(DeflateTerms terms) noexcept : terms_(terms) {}
Decompressor::~Decompressor() = default;

std::size_t Decompressor::held() const noexcept {
  constexpr std::size_t state = 8 << 10;
  return stream_ ? (std::size_t{1} << terms_.window_bits) + state : 0;
}

Decompressor::Result Decompressor::add(std::string_view piece, std::string& to, std::size_t limit) {
  if (piece.empty()) return Result::good;
  if (!stream_) stream_ = std::make_unique<Stream>(terms_.window_bits);
  stream_->in_message = true;
  z_stream& z = stream_->z;
  z.next_in = input_of(piece);
  z.avail_in = static_cast<uInt>(piece.size());
  std::array<char, step> out;
  do {
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = out.size();
    const int result = inflate(&z, Z_SYNC_FLUSH);
    to.append(out.data(), out.size() - z.avail_out);
    if (to.size() > limit) return Result::too_large;
    // A final block may come before the end of the message (section 7.2.3.4).
    const bool last = result == Z_STREAM_END;
    if (!last && result != Z_OK && result != Z_BUF_ERROR) return Result::malformed;
    stream_->between_blocks = last || (z.data_type & end_of_block) != 0;
    if (last) inflateResetKeep(&z);  // keeps the window: later blocks may refer to earlier bytes
  } while (z.avail_in > 0 || z.avail_out == 0);
  return Result::good;
}

Decompressor::Result Decompressor::end(std::string& to, std::size_t limit) {
  if (!stream_ || !stream_->in_message) return Result::good;  // no byte: the message is empty
  const Result result = add(tail, to, limit);
  // A message that stops inside a block is cut off.
  if (result == Result::good && !stream_->between_blocks) return Result::malformed;
  stream_->in_message = false;
  if (!terms_.context_takeover) stream_.reset();
  return result;
}

}}}  // namespace evio::v0::websocket
