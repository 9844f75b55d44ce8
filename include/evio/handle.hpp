// Handle: a thread-safe reference to a connection, which may outlive it.
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

/// A thread-safe reference to a connection, from Conn::handle(); it may outlive the connection and
/// the server. Copyable, comparable, hashable; by default it refers to nothing.
///
///     chat.post([handle = conn.handle()] { handle.send("hello\n"); });  // from another thread
///
/// Every function may be called from any thread at any time. Once the connection has ended, they do
/// nothing. None calls a handler, so they may be called while you hold a lock. All calls that one
/// thread makes through handles take effect in order; on the connection's own loop they are queued
/// too.
///
/// The handle of a datagram refers to its socket and its sender: send() sends one datagram back;
/// wake(), post() and close() do nothing.
class EVIO_API Handle {
 public:
  Handle() = default;  ///< refers to nothing

  /// Copies the bytes and sends them after what was sent before. Returns false only if the
  /// connection is known to have ended; true does not mean that the peer receives them.
  ///
  /// If more than Limits::output_max bytes then wait, the connection closes with
  /// Errc::output_overflow; so it does if sends that have not reached the loop yet take more memory
  /// than that. A sender that produces without limit should check pending_output(). A datagram is
  /// dropped instead.
  bool send(std::string_view bytes) const;
  /// As send(std::string_view), for raw bytes.
  bool send(std::span<const std::byte> bytes) const;
  /// Shares the bytes instead of copying them, unless they are few.
  bool send(SharedBytes bytes) const;
  /// Sends the bytes, then calls `done` on the connection's loop, never inside a handler: without
  /// an error once the kernel has accepted all of them, otherwise before `closed` or `detached`,
  /// with the reason for the end (operation_canceled after an orderly one). The kernel's acceptance
  /// does not mean that the peer has received them. `done` is destroyed without being called, on
  /// any thread, if the connection has ended before the bytes reach the loop, and for a datagram.
  bool send(SharedBytes bytes, Callback<void(std::error_code)> done) const;
  /// Calls fn(Conn&) on the connection's loop, never inside a handler. If the connection has ended
  /// by then, fn is destroyed without being called, on any thread. Returns false if it is known to
  /// have ended. Costs an allocation.
  bool post(Callback<void(Conn&)> fn) const;
  /// Calls `data` on the connection's loop with no new input, even while it is paused; for a
  /// handler that waits for something which another thread has now completed. Calls that directly
  /// follow one another may be combined, but `data` runs at least once after each. With a codec
  /// `data` gets the next complete message that waits; if none waits, `data` is not called.
  void wake() const;
  /// Conn::close on the connection's loop, after the sends and posts that this thread made before.
  void close() const;

  /// The bytes that were sent or written and that the kernel has not accepted yet; 0 once the
  /// connection has ended. A snapshot: other threads may send meanwhile.
  std::size_t pending_output() const noexcept;
  /// Conn::id of the connection; 0 for an empty handle and for a datagram's.
  std::uint64_t id() const noexcept;

  /// True if it refers to a connection, even one that has ended; false for an empty handle.
  explicit operator bool() const noexcept { return block_ != nullptr; }
  /// Whether both refer to the same connection (for datagrams: to the same socket and sender), or
  /// both are empty.
  friend bool operator==(const Handle& a, const Handle& b) noexcept { return same(a, b); }

 private:
  friend class detail::HandleBlock;
  friend struct std::hash<Handle>;
  explicit Handle(std::shared_ptr<detail::HandleBlock> block) noexcept : block_(std::move(block)) {}
  static bool same(const Handle& a, const Handle& b) noexcept;

  std::shared_ptr<detail::HandleBlock> block_;
};

}}  // namespace evio::v0

/// For unordered containers: equal handles have equal hashes.
template <>
struct EVIO_API std::hash<evio::Handle> {
  /// The hash of all that `==` compares.
  std::size_t operator()(const evio::Handle& handle) const noexcept;
};
