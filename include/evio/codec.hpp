// Codec: cuts a stream into messages, and turns messages into bytes of a stream.
#pragma once

#include <concepts>
#include <cstddef>
#include <evio/export.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace evio { inline namespace v0 {

/// What decode found at the beginning of the bytes: a complete frame, the beginning of one, or
/// bytes that are not a frame.
struct Decoded {
  /// What was found.
  enum class Kind { incomplete, frame, malformed };

  /// A complete frame. `message` is what `data` gets, a part of the bytes that decode was given;
  /// `size` is how many of these bytes the frame takes, at least one.
  static Decoded frame(std::string_view message, std::size_t size) noexcept {
    return {Kind::frame, size, message};
  }
  /// More bytes are needed. `size` is the size of the whole frame if it is known already, otherwise
  /// 0; with it a frame that is too large is refused before it has arrived.
  static Decoded incomplete(std::size_t size = 0) noexcept { return {Kind::incomplete, size, {}}; }
  /// The bytes cannot begin a frame: the connection closes with Errc::bad_frame.
  static Decoded malformed() noexcept { return {Kind::malformed, 0, {}}; }

  /// Which of the three it is.
  Kind kind = Kind::incomplete;
  /// The size of the whole frame, bytes; 0 if it is not known.
  std::size_t size = 0;
  /// The message in a complete frame; borrowed from the bytes that were decoded.
  std::string_view message{};
};

/// Receives the bytes of a frame from encode. Belongs to the call: do not store it.
class EVIO_API ByteSink {
 public:
  /// Appends the bytes to the output. Where possible, bytes that are part of the message itself are
  /// referenced, and only others, such as a header, are copied.
  virtual void append(std::string_view bytes) = 0;

 protected:
  ByteSink() = default;
  ~ByteSink() = default;
};

/// Cuts the streams of a service into messages (Events::codec): `data` gets one whole message in
/// each call, and each Conn::write and Handle::send sends one. evio/codecs.hpp has the common ones.
/// Your own is a copyable type with these two functions:
///
///     Decoded decode(std::string_view bytes, std::size_t searched) const;
///     void encode(std::string_view message, ByteSink& wire) const;
///
/// decode gets all bytes that were received and not decoded yet. In the first `searched` of them an
/// earlier call found no complete frame, so a codec that searches for a delimiter need not look at
/// them again. It must not throw. encode may throw for a message that the format cannot express,
/// before it appends anything; the exception leaves Conn::write.
///
///     // A length byte, then the message.
///     struct Tiny {
///       evio::Decoded decode(std::string_view bytes, std::size_t) const noexcept {
///         if (bytes.empty()) return evio::Decoded::incomplete();
///         const std::size_t size = 1 + static_cast<unsigned char>(bytes[0]);
///         if (bytes.size() < size) return evio::Decoded::incomplete(size);
///         return evio::Decoded::frame(bytes.substr(1, size - 1), size);
///       }
///       void encode(std::string_view message, evio::ByteSink& wire) const {
///         if (message.size() > 255) throw std::length_error("Tiny: the message is too long");
///         const char size = static_cast<char>(message.size());
///         wire.append({&size, 1});
///         wire.append(message);
///       }
///     };
///
/// Thread: one object serves all connections, from all loops' threads at once; therefore both are
/// const. A frame of more than Limits::input_max bytes closes the connection with
/// Errc::frame_too_large.
class EVIO_API Codec {
 public:
  Codec() = default;  ///< no codec: bytes as they arrive
  /// Stores a copy of `codec`, which has decode and encode as described above.
  template <class T>
  requires(!std::same_as<std::remove_cvref_t<T>, Codec>)
      Codec(T&& codec)  // NOLINT(google-explicit-constructor)
      : held_(std::make_shared<Held<std::remove_cvref_t<T>>>(std::forward<T>(codec))) {}

  /// Whether there is a codec.
  explicit operator bool() const noexcept { return held_ != nullptr; }
  /// Decodes the beginning of `bytes`, in the first `searched` of which no complete frame was found
  /// before. There must be a codec.
  Decoded decode(std::string_view bytes, std::size_t searched = 0) const noexcept {
    return held_->decode(bytes, searched);
  }
  /// Appends the frame of the message to `wire`. Throws what the codec's encode throws. There must
  /// be a codec.
  void encode(std::string_view message, ByteSink& wire) const { held_->encode(message, wire); }
  /// Returns the frame of a message, for tests and files. There must be a codec.
  std::string encoded(std::string_view message) const;

 private:
  struct Holder {
    virtual ~Holder() = default;
    virtual Decoded decode(std::string_view bytes, std::size_t searched) const noexcept = 0;
    virtual void encode(std::string_view message, ByteSink& wire) const = 0;
  };
  template <class T>
  struct Held final : Holder {
    template <class From>
    explicit Held(From&& from) : codec(std::forward<From>(from)) {}
    Decoded decode(std::string_view bytes, std::size_t searched) const noexcept override {
      return codec.decode(bytes, searched);
    }
    void encode(std::string_view message, ByteSink& wire) const override {
      codec.encode(message, wire);
    }
    T codec;
  };

  std::shared_ptr<const Holder> held_;
};

}}  // namespace evio::v0
