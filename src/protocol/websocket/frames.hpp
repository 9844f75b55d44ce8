// Frames of RFC 6455 in and out, by wslay.
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

inline bool is_control(Opcode opcode) noexcept { return (static_cast<unsigned>(opcode) & 8U) != 0; }

struct FreeFrameContext {
  void operator()(wslay_frame_context* context) const noexcept;
};
using FrameContext = std::unique_ptr<wslay_frame_context, FreeFrameContext>;

/// Some of a frame's payload, unmasked, and what its header says.
struct FramePiece {
  Opcode opcode{};
  bool last_frame = false;  // of its message: FIN
  unsigned reserved = 0;    // RSV1 is 4, RSV2 2, RSV3 1
  bool masked = false;
  std::uint64_t length = 0;    // of the whole payload
  std::string_view payload{};  // valid until the next read
  bool begins = false;         // the frame's first piece
  bool ends = false;           // its last
};

/// Takes no byte beyond a frame's end, so that what waits there stays in Input.
class FrameReader {
 public:
  FrameReader();
  FrameReader(const FrameReader&) = delete;

  enum class Read { partial, piece, malformed };
  /// The first piece comes as soon as the header is there, perhaps without a byte of the payload.
  Read read(Input& in, FramePiece& piece);
  /// Nothing of a frame was taken without the rest.
  bool is_between_frames() const noexcept { return !within_; }

 private:
  bool begin(Input& in);
  void show_header(FramePiece& piece) noexcept;
  std::size_t feed(unsigned char* to, std::size_t room) noexcept;

  FrameContext context_;
  Input* in_ = nullptr;  // of the running read
  std::array<char, 14> header_{};
  std::size_t header_left_ = 0;  // bytes of it, at its end, that wslay did not get
  std::size_t header_size_ = 0;
  bool masked_ = false;
  std::array<unsigned char, 4> mask_{};  // of the payload's next byte and those after it
  std::uint64_t payload_left_ = 0;
  bool within_ = false;
  bool shown_ = false;  // a piece of this frame was
};

/// One frame after the other, each whole.
class FrameWriter {
 public:
  /// Clients mask.
  explicit FrameWriter(bool masks);
  FrameWriter(const FrameWriter&) = delete;

  /// Calls put(header, bytes) with the frame's parts in order; the header of all but the first is
  /// empty. The bytes of a frame that is not masked are `payload` itself.
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
