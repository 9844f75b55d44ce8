// Reads and writes the frames of RFC 6455, section 5, with wslay.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <evio/input.hpp>
#include <memory>
#include <random>
#include <string_view>

struct wslay_frame_context;

namespace evio { inline namespace v0 { namespace websocket {

enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

/// Whether it is a Close, ping or pong (section 5.5).
inline bool is_control(Opcode opcode) noexcept { return (static_cast<unsigned>(opcode) & 8U) != 0; }

/// Frees a wslay context, whose type is not complete here.
struct FreeFrameContext {
  void operator()(wslay_frame_context* context) const noexcept;
};
using FrameContext = std::unique_ptr<wslay_frame_context, FreeFrameContext>;

/// A piece of a frame's payload, unmasked, together with the frame's header.
struct FramePiece {
  Opcode opcode{};
  bool last_frame = false;  // FIN: the last frame of its message
  unsigned reserved = 0;    // the sum of RSV1 (4), RSV2 (2) and RSV3 (1)
  bool masked = false;
  std::uint64_t length = 0;    // the length of the whole payload
  std::string_view payload{};  // valid until the next read
  bool begins = false;         // it is the frame's first piece
  bool ends = false;           // it is the frame's last piece
};

/// Reads frames from a connection's input. It consumes no byte after the end of a frame: if the
/// user pauses, the following frames stay in Input and count in Limits::input_max.
class FrameReader {
 public:
  FrameReader();
  FrameReader(const FrameReader&) = delete;

  enum class Read { partial, piece, malformed };
  /// Reads the next piece. The first piece of a frame is returned as soon as the header has
  /// arrived, perhaps without payload, so that a frame that is too long is refused at once.
  Read read(Input& in, FramePiece& piece);
  /// Whether no frame has been read in part.
  bool is_between_frames() const noexcept { return !within_; }

 private:
  bool begin(Input& in);
  void show_header(FramePiece& piece) noexcept;
  std::size_t feed(unsigned char* to, std::size_t room) noexcept;

  FrameContext context_;
  Input* in_ = nullptr;  // the input of the present read(), for wslay's callback
  std::array<char, 14> header_{};
  std::size_t header_left_ = 0;  // bytes at the header's end that wslay did not get yet
  std::size_t header_size_ = 0;
  bool masked_ = false;
  std::array<unsigned char, 4> mask_{};  // rotated: mask_[0] is for the next byte of the payload
  std::uint64_t payload_left_ = 0;
  bool within_ = false;  // a frame's header was read, and its payload not completely
  bool shown_ = false;   // a piece of this frame was returned
};

/// Writes one whole frame after the other. Messages are not fragmented, because their length is
/// known.
class FrameWriter {
 public:
  /// `masks`: as a client must and a server must not.
  explicit FrameWriter(bool masks);
  FrameWriter(const FrameWriter&) = delete;

  /// Calls put(header, bytes) with the parts of a frame in order; only the first part has a header.
  /// For a frame without a mask there is one part, whose bytes are `payload` itself and not a copy.
  template <class Put>
  void write(Opcode opcode, bool compressed, std::string_view payload, Put&& put) {
    to_ = &put;
    put_ = [](void* to, std::string_view header, std::string_view bytes) {
      (*static_cast<std::remove_reference_t<Put>*>(to))(header, bytes);
    };
    write(opcode, compressed, payload);
  }

 private:
  void write(Opcode opcode, bool compressed, std::string_view payload);
  void took(std::string_view bytes);

  FrameContext context_;
  const bool masks_;
  std::random_device random_;
  std::array<char, 14> header_{};
  std::size_t header_size_ = 0;
  bool header_taken_ = false;
  void* to_ = nullptr;
  void (*put_)(void* to, std::string_view header, std::string_view bytes) = nullptr;
};

}}}  // namespace evio::v0::websocket
