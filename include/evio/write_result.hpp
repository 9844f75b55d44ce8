// What became of bytes that were given to a connection to be sent.
#pragma once

#include <cstdint>

namespace evio { inline namespace v0 {

/// The result of Conn::write, http::Response::write and WebSocket::send:
///
///     const evio::WriteResult result = conn.write(bytes);
///     if (result.congested()) stop_producing();   // the bytes are kept; `drained` follows
///     if (result.dropped()) return;               // they are lost: the connection is closing
///
/// Never write the same bytes again when the result is false: congested bytes would be sent twice.
class WriteResult {
 public:
  /// What became of the bytes.
  enum class Kind : std::uint8_t {
    accepted,   ///< kept or sent, and there is room for more
    congested,  ///< kept, but the output that waits is above Limits::output_high
    dropped,    ///< lost: the connection is closed, closing or shut for writing, or the datagram
                ///< was too large or not taken by the kernel
  };

  /// For code that wraps a connection and reports its own result.
  constexpr WriteResult(Kind kind) noexcept : kind_(kind) {}  // NOLINT(google-explicit-constructor)

  /// True if more may be written now.
  constexpr explicit operator bool() const noexcept { return kind_ == Kind::accepted; }
  /// The bytes are kept and will be sent. Stop producing until `drained` runs.
  constexpr bool congested() const noexcept { return kind_ == Kind::congested; }
  /// The bytes are lost and will not be sent.
  constexpr bool dropped() const noexcept { return kind_ == Kind::dropped; }

  /// Whether both say the same.
  friend constexpr bool operator==(WriteResult a, WriteResult b) noexcept = default;

 private:
  Kind kind_;
};

}}  // namespace evio::v0
