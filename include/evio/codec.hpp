// How messages become bytes of a stream, and bytes messages again.
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

/// What decode found at the beginning of the bytes: a whole frame, the beginning of one, or
/// nonsense.
struct Decoded {
  /// What was found.
  enum class Kind { incomplete, frame, malformed };

  /// `message`: what `data` is to see, within the bytes; `size`: how many of them the frame takes,
  /// at least one.
  static Decoded frame(std::string_view message, std::size_t size) noexcept {
    return {Kind::frame, size, message};
  }
  /// More must come. `size`: of the whole frame, if that is known already; 0 if not.
  static Decoded incomplete(std::size_t size = 0) noexcept { return {Kind::incomplete, size, {}}; }
  /// No frame begins like this: the connection closes with Errc::bad_frame.
  static Decoded malformed() noexcept { return {Kind::malformed, 0, {}}; }

  Kind kind = Kind::incomplete;  ///< which of these
  std::size_t size = 0;          ///< of the whole frame, bytes; 0 if it is not known
  std::string_view message{};    ///< what `data` is to see of a whole frame
};

/// Where encode puts the bytes of a frame. What is part of the message is not copied again.
class EVIO_API ByteSink {
 public:
  /// Sends the bytes behind those before. Bytes of the message itself are not copied.
  virtual void append(std::string_view bytes) = 0;

 protected:
  ByteSink() = default;
  ~ByteSink() = default;
};

/// Cuts a service's streams into messages (Events::codec): `data` then gets one whole message each
/// time, and each `write` and `Handle::send` is one. Made of any copyable type with
///
///     Decoded decode(std::string_view bytes, std::size_t searched) const;
///     void encode(std::string_view message, ByteSink& wire) const;
///
/// `bytes`: all that was received and not yet decoded; in the first `searched` of them a call
/// before found no whole frame. One object serves all connections, from all loops' threads at once.
/// decode must not throw; encode may, for a message that it cannot express, before it appends
/// anything: write then throws that. A frame of more than Limits::input_max bytes closes the
/// connection with Errc::frame_too_large. The ready ones are in evio/codecs.hpp.
class EVIO_API Codec {
 public:
  Codec() = default;  ///< none: bytes as they come
  /// Keeps a copy of `codec`, which has decode and encode as described above.
  template <class T>
  requires(!std::same_as<std::remove_cvref_t<T>, Codec>)
      Codec(T&& codec)  // NOLINT(google-explicit-constructor)
      : held_(std::make_shared<Held<std::remove_cvref_t<T>>>(std::forward<T>(codec))) {}

  /// Whether there is a codec.
  explicit operator bool() const noexcept { return held_ != nullptr; }
  /// What `bytes` begin with; `searched` of them were looked at in vain before.
  Decoded decode(std::string_view bytes, std::size_t searched = 0) const noexcept {
    return held_->decode(bytes, searched);
  }
  /// Writes the message as a frame. May throw for a message that has none.
  void encode(std::string_view message, ByteSink& wire) const { held_->encode(message, wire); }
  /// The frame of a message, for tests and files.
  std::string encoded(std::string_view message) const;

 private:
  struct Holder {
    virtual ~Holder() = default;
    virtual Decoded decode(std::string_view bytes, std::size_t searched) const noexcept = 0;
    /// Writes the message as a frame. May throw for a message that has none.
    virtual void encode(std::string_view message, ByteSink& wire) const = 0;
  };
  template <class T>
  struct Held final : Holder {
    template <class From>
    explicit Held(From&& from) : codec(std::forward<From>(from)) {}
    Decoded decode(std::string_view bytes, std::size_t searched) const noexcept override {
      return codec.decode(bytes, searched);
    }
    /// Writes the message as a frame. May throw for a message that has none.
    void encode(std::string_view message, ByteSink& wire) const override {
      codec.encode(message, wire);
    }
    T codec;
  };

  std::shared_ptr<const Holder> held_;
};

}}  // namespace evio::v0
