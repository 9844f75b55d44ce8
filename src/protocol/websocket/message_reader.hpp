// Messages and control frames out of frames: the rules of RFC 6455, section 5.
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

/// What holds for the frames of one peer.
struct ReadRules {
  bool masked = false;                   // clients' frames are, servers' are not
  std::size_t message = 0;               // bytes at most
  Decompressor* decompressor = nullptr;  // null: compression was not agreed on
};

/// What has begun to come. A WebSocket has one only while a message or frame has begun and not
/// ended.
class MessageReader {
 public:
  enum class Event { none, message, ping, pong, close, failed };
  /// What the bytes bring next; none: more must come. Not to be called again once it failed.
  Event read(Input& in, const ReadRules& rules);

  /// Behind `message`; valid until the next read.
  Message message() const noexcept { return {.bytes = whole_, .kind = kind_}; }
  /// The payload, behind `ping`, `pong` and `close`; valid until the next read.
  std::string_view control() const noexcept { return control_; }
  /// Behind `failed`: the code to tell the peer.
  CloseCode failure() const noexcept { return failure_; }

  bool is_idle() const noexcept { return frames_.is_between_frames() && !in_message_; }
  /// Bytes of memory.
  std::size_t held() const noexcept {
    return sizeof(*this) + buffer_.capacity() + control_.capacity();
  }
  /// Keeps no more memory than a small message needs.
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
  std::string buffer_;  // the message so far, unless it came as one piece
  std::string control_;
  std::string_view whole_;
  std::uint64_t announced_ = 0;  // bytes of the message's frames so far, as their headers say
  Kind kind_ = Kind::text;
  CloseCode failure_ = CloseCode::protocol_error;
  bool in_message_ = false;
  bool compressed_ = false;
  bool last_frame_ = false;
};

}}}  // namespace evio::v0::websocket
