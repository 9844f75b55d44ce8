// Reads and writes the frames of RFC 6455, section 5, with wslay.
#include "protocol/websocket/frames.hpp"

#include <wslay/wslay.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

namespace evio { inline namespace v0 { namespace websocket {

namespace {

// Makes a wslay context whose callbacks get `user`.
FrameContext make(const wslay_frame_callbacks& callbacks, void* user) {
  wslay_frame_context_ptr context = nullptr;
  if (wslay_frame_context_init(&context, &callbacks, user) != 0) throw std::bad_alloc();
  return FrameContext(context);
}

// These read the sizes in a frame's header (RFC 6455, section 5.2), and nothing else: wslay
// validates the header.
std::size_t length_bytes(std::string_view frame) noexcept {
  const unsigned length = static_cast<unsigned char>(frame[1]) & 0x7fU;
  return length == 127 ? 8 : length == 126 ? 2 : 0;
}
bool is_masked(std::string_view frame) noexcept {
  return (static_cast<unsigned char>(frame[1]) & 0x80U) != 0;
}
std::size_t header_size(std::string_view frame) noexcept {
  return 2 + length_bytes(frame) + (is_masked(frame) ? 4 : 0);
}
std::uint64_t payload_size(std::string_view header) noexcept {
  const std::size_t bytes = length_bytes(header);
  if (bytes == 0) return static_cast<unsigned char>(header[1]) & 0x7fU;
  std::uint64_t size = 0;
  for (const char byte : header.substr(2, bytes))
    size = size << 8U | static_cast<unsigned char>(byte);
  return size;
}

// Copies and unmasks, eight bytes at a time. Afterwards `key` is rotated so that its first byte is
// for the byte that follows.
void unmask(std::string_view from, unsigned char* to, std::array<unsigned char, 4>& key) noexcept {
  const auto half = std::bit_cast<std::uint32_t>(key);
  const std::uint64_t mask = std::uint64_t{half} << 32U | half;
  std::size_t i = 0;
  for (; i + sizeof mask <= from.size(); i += sizeof mask) {
    std::uint64_t word = 0;
    std::memcpy(&word, from.data() + i, sizeof word);
    word ^= mask;
    std::memcpy(to + i, &word, sizeof word);
  }
  for (; i < from.size(); ++i) to[i] = static_cast<unsigned char>(from[i]) ^ key[i % key.size()];
  const std::array<unsigned char, 4> before = key;
  for (std::size_t k = 0; k < key.size(); ++k) key[k] = before[(from.size() + k) % key.size()];
}

}  // namespace

void FreeFrameContext::operator()(wslay_frame_context* context) const noexcept {
  wslay_frame_context_free(context);
}

FrameReader::FrameReader() {
  wslay_frame_callbacks callbacks{};
  callbacks.recv_callback = [](std::uint8_t* to, std::size_t room, int, void* user) {
    return static_cast<ssize_t>(static_cast<FrameReader*>(user)->feed(to, room));
  };
  context_ = make(callbacks, this);
}

// wslay wants more bytes when it has read a header whose payload has not begun to arrive.
FrameReader::Read FrameReader::read(Input& in, FramePiece& piece) {
  if (!within_ && !begin(in)) return Read::partial;
  in_ = &in;
  wslay_frame_iocb frame{};
  const ssize_t got = wslay_frame_recv(context_.get(), &frame);
  if (got == WSLAY_ERR_WANT_READ && std::exchange(shown_, true)) return Read::partial;
  if (got == WSLAY_ERR_WANT_READ) {
    show_header(piece);
    return Read::piece;
  }
  if (got < 0) return Read::malformed;
  piece = {.opcode = static_cast<Opcode>(frame.opcode),
           .last_frame = frame.fin != 0,
           .reserved = frame.rsv,
           .masked = masked_,
           .length = frame.payload_length,
           .payload = {reinterpret_cast<const char*>(frame.data), frame.data_length},
           .begins = !std::exchange(shown_, true),
           .ends = payload_left_ == 0};
  if (piece.ends) within_ = shown_ = false;
  return Read::piece;
}

// Returns a piece with the header only. wslay has validated the header, but does not return it
// before a byte of the payload is there.
void FrameReader::show_header(FramePiece& piece) noexcept {
  const auto first = static_cast<unsigned char>(header_[0]);
  piece = {.opcode = static_cast<Opcode>(first & 0x0fU),
           .last_frame = (first & 0x80U) != 0,
           .reserved = first >> 4U & 0x07U,
           .masked = masked_,
           .length = payload_left_,
           .begins = true};
}

// Reads a header. False: it has not arrived completely. The mask bit is removed from the header
// that wslay gets, because wslay would unmask byte by byte, which is slower than unmask().
bool FrameReader::begin(Input& in) {
  if (in.size() < 2 || in.size() < header_size(in.view())) return false;
  const std::string_view header = in.take(header_size(in.view()));
  std::ranges::copy(header, header_.begin());
  header_left_ = header_size_ = header.size();
  masked_ = is_masked(header);
  if (masked_) {
    header_[1] = static_cast<char>(header_[1] & 0x7f);
    header_left_ = header_size_ -= mask_.size();
    std::memcpy(mask_.data(), header_.data() + header_size_, mask_.size());
  }
  payload_left_ = payload_size(header);
  return within_ = true;
}

// wslay's callback for input: first the header, then the payload, never more than the frame.
std::size_t FrameReader::feed(unsigned char* to, std::size_t room) noexcept {
  if (header_left_ > 0) {
    const std::size_t size = std::min(room, header_left_);
    std::memcpy(to, header_.data() + header_size_ - header_left_, size);
    header_left_ -= size;
    return size;
  }
  const std::string_view bytes =
      in_->take(static_cast<std::size_t>(std::min<std::uint64_t>(room, payload_left_)));
  if (masked_)
    unmask(bytes, to, mask_);
  else
    std::memcpy(to, bytes.data(), bytes.size());
  payload_left_ -= bytes.size();
  return bytes.size();
}

FrameWriter::FrameWriter(bool masks) : masks_(masks) {
  wslay_frame_callbacks callbacks{};
  callbacks.send_callback = [](const std::uint8_t* bytes, std::size_t size, int, void* user) {
    static_cast<FrameWriter*>(user)->took({reinterpret_cast<const char*>(bytes), size});
    return static_cast<ssize_t>(size);
  };
  // Masks must not be predictable (RFC 6455, section 10.3), so a generator with a seed will not do.
  callbacks.genmask_callback = [](std::uint8_t* mask, std::size_t size, void* user) {
    std::ranges::generate_n(mask, static_cast<std::ptrdiff_t>(size), [&] {
      return static_cast<std::uint8_t>(static_cast<FrameWriter*>(user)->random_());
    });
    return 0;
  };
  context_ = make(callbacks, this);
}

// wslay calls took() for the header and then for each part of the payload; without a payload there
// is no second call, and the header is passed on here.
void FrameWriter::write(Opcode opcode, bool compressed, std::string_view payload) {
  wslay_frame_iocb frame{};
  frame.fin = 1;
  frame.rsv = compressed ? WSLAY_RSV1_BIT : WSLAY_RSV_NONE;
  frame.opcode = static_cast<std::uint8_t>(opcode);
  frame.payload_length = frame.data_length = payload.size();
  frame.mask = masks_ ? 1 : 0;
  frame.data = reinterpret_cast<const std::uint8_t*>(payload.data());
  header_taken_ = false;
  wslay_frame_send(context_.get(), &frame);
  if (payload.empty()) put_(to_, {header_.data(), header_size_}, {});
}

// wslay's callback for output: first the header, which is stored until the payload's first part is
// there, so that both leave in one write.
void FrameWriter::took(std::string_view bytes) {
  if (!std::exchange(header_taken_, true)) {
    std::ranges::copy(bytes, header_.begin());
    header_size_ = bytes.size();
    return;
  }
  put_(to_, {header_.data(), std::exchange(header_size_, 0)}, bytes);
}

}}}  // namespace evio::v0::websocket
