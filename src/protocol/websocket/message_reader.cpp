// Joins frames into messages and control frames.
#include "protocol/websocket/message_reader.hpp"

#include <algorithm>

namespace evio { inline namespace v0 { namespace websocket {

using Event = MessageReader::Event;

namespace {
constexpr unsigned rsv1 = 4;
constexpr std::size_t kept = 64 << 10;  // the capacity of buffer_ that is kept

// The bytes that a compressed message may have if `message` is the limit of the decompressed one.
// Data that cannot be compressed grows, with zlib by a seventh at most; an empty block costs bytes
// and expands to nothing, so there must be a limit at all.
std::uint64_t compressed_at_most(std::uint64_t message) noexcept {
  const std::uint64_t more = message / 4 + 1024;
  return message + std::min(more, UINT64_MAX - message);
}
}  // namespace

// The buffer is cleared here and not at the message's end, because message() refers to it.
Event MessageReader::read(Input& in, const ReadRules& rules) {
  if (!in_message_) buffer_.clear();
  for (;;) {
    FramePiece piece;
    switch (frames_.read(in, piece)) {
      case FrameReader::Read::partial:
        return Event::none;
      case FrameReader::Read::malformed:
        failure_ = CloseCode::protocol_error;
        return Event::failed;
      case FrameReader::Read::piece:
        break;
    }
    const Event event = step(piece, rules);
    if (event != Event::none) return event;
  }
}

Event MessageReader::step(const FramePiece& piece, const ReadRules& rules) {
  if (piece.begins && !begin(piece, rules)) return Event::failed;
  return is_control(piece.opcode) ? add_control(piece) : add_data(piece, rules);
}

// Checks the header of a frame. A masked frame of a server, or one of a client without a mask, is
// an error (section 5.1).
bool MessageReader::begin(const FramePiece& piece, const ReadRules& rules) {
  if (piece.masked != rules.masked) return fail(CloseCode::protocol_error);
  switch (piece.opcode) {
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      control_.clear();
      return piece.reserved == 0 || fail(CloseCode::protocol_error);
    case Opcode::continuation:
    case Opcode::text:
    case Opcode::binary:
      return begin_data(piece, rules);
  }
  return fail(CloseCode::protocol_error);
}

// RSV1 marks a compressed message, in its first frame only (RFC 7692, section 6). The length is
// checked before the payload arrives, so that a message that is too large is never stored.
bool MessageReader::begin_data(const FramePiece& piece, const ReadRules& rules) {
  const bool continues = piece.opcode == Opcode::continuation;
  if (continues != in_message_) return fail(CloseCode::protocol_error);
  const bool may_be_compressed = !continues && rules.decompressor;
  if ((piece.reserved & ~(may_be_compressed ? rsv1 : 0U)) != 0)
    return fail(CloseCode::protocol_error);
  if (!continues) {
    in_message_ = true;
    compressed_ = piece.reserved != 0;
    announced_ = 0;
    kind_ = piece.opcode == Opcode::text ? Kind::text : Kind::binary;
    utf8_ = {};
  }
  last_frame_ = piece.last_frame;
  const std::uint64_t most = compressed_ ? compressed_at_most(rules.message) : rules.message;
  if (piece.length > most - announced_) return fail(CloseCode::too_big);
  announced_ += piece.length;
  return true;
}

Event MessageReader::add_control(const FramePiece& piece) {
  control_ += piece.payload;
  if (!piece.ends) return Event::none;
  if (piece.opcode == Opcode::close) return Event::close;
  return piece.opcode == Opcode::ping ? Event::ping : Event::pong;
}

Event MessageReader::add_data(const FramePiece& piece, const ReadRules& rules) {
  const bool end = piece.ends && last_frame_;
  std::string_view added = piece.payload;
  const std::size_t before = buffer_.size();
  if (compressed_) {
    if (!add_compressed(added, end, rules)) return Event::failed;
    added = std::string_view(buffer_).substr(before);
  }
  if (kind_ == Kind::text && (!utf8_.add(added) || (end && !utf8_.end()))) {
    fail(CloseCode::invalid_data);
    return Event::failed;
  }
  if (end && before == 0) {
    whole_ = added;  // all in one piece: no copy
  } else {
    if (!compressed_) buffer_ += added;
    whole_ = buffer_;
  }
  if (!end) return Event::none;
  in_message_ = false;
  return Event::message;
}

bool MessageReader::add_compressed(std::string_view bytes, bool end, const ReadRules& rules) {
  using Result = Decompressor::Result;
  Result result = rules.decompressor->add(bytes, buffer_, rules.message);
  if (result == Result::good && end) result = rules.decompressor->end(buffer_, rules.message);
  if (result == Result::good) return true;
  return fail(result == Result::too_large ? CloseCode::too_big : CloseCode::invalid_data);
}

bool MessageReader::fail(CloseCode code) noexcept {
  failure_ = code;
  return false;
}

void MessageReader::shrink() {
  if (buffer_.capacity() > kept) buffer_ = {};
}

}}}  // namespace evio::v0::websocket
