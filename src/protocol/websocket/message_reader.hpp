// Joins frames into messages and control frames, by the rules of RFC 6455, section 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/input.hpp>
#include <evio/websocket/message.hpp>
#include <string>
#include <string_view>

#include "protocol/websocket/deflate.hpp"
#include "protocol/websocket/frames.hpp"
#include "protocol/websocket/utf8.hpp"

namespace evio { inline namespace v0 { namespace websocket {

/// The rules for the frames of one peer.
struct ReadRules {
  bool masked = false;                   // the peer is a client: its frames must be masked
  std::size_t message = 0;               // bytes that a message may have
  Decompressor* decompressor = nullptr;  // null: compression was not negotiated
};

/// The state of a message or frame that has arrived in part. A WebSocket has a reader only while
/// there is such a state, so that idle WebSockets do not need its memory. A message that arrives in
/// one piece is not copied.
class MessageReader {
 public:
  enum class Event { none, message, ping, pong, close, failed };
  /// Reads until the next event. `none`: more bytes are needed. Must not be called again after
  /// `failed`.
  Event read(Input& in, const ReadRules& rules);

  /// The message, after Event::message; valid until the next read.
  Message message() const noexcept { return {.bytes = whole_, .kind = kind_}; }
  /// The payload, after Event::ping, pong and close; valid until the next read.
  std::string_view control() const noexcept { return control_; }
  /// After Event::failed: the code for the Close.
  CloseCode failure() const noexcept { return failure_; }

  /// Whether nothing has arrived in part: the reader can serve another WebSocket.
  bool is_idle() const noexcept { return frames_.is_between_frames() && !in_message_; }
  /// The bytes of memory.
  std::size_t held() const noexcept {
    return sizeof(*this) + buffer_.capacity() + control_.capacity();
  }
  /// Frees the buffer of a large message.
  void shrink();

 private:
  Event step(const FramePiece& piece, const ReadRules& rules);
  bool begin(const FramePiece& piece, const ReadRules& rules);
  bool begin_data(const FramePiece& piece, const ReadRules& rules);
  Event add_control(const FramePiece& piece);
  Event add_data(const FramePiece& piece, const ReadRules& rules);
  bool add_compressed(std::string_view bytes, bool end, const ReadRules& rules);
  bool fail(CloseCode code) noexcept;

  FrameReader frames_;
  Utf8 utf8_;
  std::string buffer_;   // the message so far, unless it arrived in one piece
  std::string control_;  // a control frame's payload: it may come between a message's frames
  std::string_view whole_;
  std::uint64_t announced_ = 0;  // the sum of the lengths in the headers of the message's frames
  Kind kind_ = Kind::text;
  CloseCode failure_ = CloseCode::protocol_error;
  bool in_message_ = false;
  bool compressed_ = false;
  bool last_frame_ = false;
};

}}}  // namespace evio::v0::websocket
