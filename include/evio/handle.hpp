// A connection's name, for any thread and any time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/callback.hpp>
#include <evio/export.hpp>
#include <evio/shared_bytes.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

namespace evio { inline namespace v0 { namespace detail {
class HandleBlock;
}}}  // namespace evio::v0::detail

namespace evio { inline namespace v0 {

class Conn;

/// Names a connection, from Conn::handle(). Copyable, comparable, hashable; empty by default. Every
/// call may be made from any thread and at any time, also after the connection and the server are
/// gone: then it does nothing. None calls a handler itself, so they are fit for use under a lock of
/// yours. All calls made through handles by one thread take effect in order, also on the
/// connection's own loop, where they are queued as well.
///
/// The handle of a datagram names its socket and its sender: `send` is one datagram back to it;
/// wake, post and close do nothing.
class EVIO_API Handle {
 public:
  Handle() = default;

  /// Copies the bytes and sends them behind what was sent before. False only if the connection is
  /// known to be gone; true is no promise that the peer gets them. Bytes beyond Limits::output_max
  /// close the connection (output_overflow), and so does what has not reached the loop yet if the
  /// memory for it is more than that. A datagram that finds so much on its way is dropped.
  bool send(std::string_view bytes) const;
  /// The same.
  bool send(std::span<const std::byte> bytes) const;
  /// Without copying the bytes, unless they are few.
  bool send(SharedBytes bytes) const;
  /// The same, and then runs `done` on the connection's loop, never inside a handler: with no error
  /// once the kernel has taken all the bytes, else before `closed` or `detached`, with why it
  /// closes (operation_canceled for an orderly end). Destroyed unrun, on any thread, if the
  /// connection is gone before the bytes get there, or if they are a datagram.
  bool send(SharedBytes bytes, Callback<void(std::error_code)> done) const;
  /// Runs fn(Conn&) on the connection's loop if it still lives then, else destroys fn unrun, on any
  /// thread. False if the connection is known to be gone.
  bool post(Callback<void(Conn&)> fn) const;
  /// Runs `data` on the connection's loop with no new input, paused or not. Those that were asked
  /// for one after the other before it ran are one: it runs at least once after each. With a codec
  /// it shows the next whole message that waits, if there is one, and nothing else.
  void wake() const;
  /// As Conn::close, in order with the other calls.
  void close() const;

  /// Bytes sent or written that the kernel has not taken yet; 0 once the connection is gone.
  std::size_t pending_output() const noexcept;
  /// As Conn::id; 0 for an empty handle or a datagram's.
  std::uint64_t id() const noexcept;

  /// Whether it names a connection, which may be gone; false for an empty one.
  explicit operator bool() const noexcept { return block_ != nullptr; }
  /// Whether both name the same connection, or are empty.
  friend bool operator==(const Handle& a, const Handle& b) noexcept { return same(a, b); }

 private:
  friend class detail::HandleBlock;
  friend struct std::hash<Handle>;
  explicit Handle(std::shared_ptr<detail::HandleBlock> block) noexcept : block_(std::move(block)) {}
  static bool same(const Handle& a, const Handle& b) noexcept;

  std::shared_ptr<detail::HandleBlock> block_;
};

}}  // namespace evio::v0

/// For unordered containers; names of one connection hash alike.
template <>
struct EVIO_API std::hash<evio::Handle> {
  /// The hash of all that `==` compares.
  std::size_t operator()(const evio::Handle& handle) const noexcept;
};
