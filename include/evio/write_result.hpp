// WriteResult: what became of bytes that were written to a connection.
#pragma once

#include <cstdint>

namespace evio { inline namespace v0 {

/// The result of Conn::write, http::Response::write and WebSocket::send:
///
///     const evio::WriteResult result = conn.write(bytes);
///     if (result.congested()) stop_producing();   // the bytes will be sent; `drained` follows
///     if (result.dropped()) return;               // they are lost: the connection is closing
///
/// Never write the same bytes again when the result is false: congested bytes would be sent twice.
/// A value: copyable, usable on any thread.
class WriteResult {
 public:
  /// What became of the bytes.
  enum class Kind : std::uint8_t {
    /// Sent or queued, and there is room for more.
    accepted,
    /// Queued, but more than Limits::output_high bytes of output wait now.
    congested,
    /// Lost: the connection is closed, closing or shut for writing, or the datagram was too large
    /// or not accepted by the kernel.
    dropped,
  };

  /// For code that wraps a connection and reports its own result.
  constexpr WriteResult(Kind kind) noexcept : kind_(kind) {}  // NOLINT(google-explicit-constructor)

  /// True if the bytes were accepted and more may be written now; false if congested or dropped.
  constexpr explicit operator bool() const noexcept { return kind_ == Kind::accepted; }
  /// True if the bytes will be sent, but too many wait: stop producing until `drained`.
  constexpr bool congested() const noexcept { return kind_ == Kind::congested; }
  /// True if the bytes are lost. A stream sends nothing any more; later datagrams may succeed.
  constexpr bool dropped() const noexcept { return kind_ == Kind::dropped; }

  /// Whether both are of the same kind.
  friend constexpr bool operator==(WriteResult a, WriteResult b) noexcept = default;

 private:
  Kind kind_;
};

}}  // namespace evio::v0
