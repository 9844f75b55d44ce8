// One connection, or one datagram while `data` looks at it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/address.hpp>
#include <evio/attributes.hpp>
#include <evio/callback.hpp>
#include <evio/context.hpp>
#include <evio/export.hpp>
#include <evio/handle.hpp>
#include <evio/options.hpp>
#include <evio/shared_bytes.hpp>
#include <evio/timer.hpp>
#include <evio/write_result.hpp>
#include <initializer_list>
#include <span>
#include <string_view>

namespace evio { inline namespace v0 {

class Loop;
class Server;

/// A connection. It belongs to its loop's thread: call it from there only (for other threads:
/// handle()). It lives until `closed` or `detached` has returned; its context dies right after. A
/// datagram's Conn lives until `data` has returned. No call runs a handler: each takes note, and
/// what follows from it comes later.
class EVIO_API Conn {
 public:
  Conn(const Conn&) = delete;
  Conn& operator=(const Conn&) = delete;

  /// Sends the bytes, all of them, behind what was written before: copied unless they are lent
  /// input or a SharedBytes. What one handler call writes leaves in one system call. On a datagram
  /// each write is one datagram back to the sender.
  ///
  /// False in two cases: the output waiting is above Limits::output_high (the bytes are kept; stop
  /// producing until `drained`), or the connection is closed, closing or write-shut (the bytes are
  /// dropped; see is_open()). Beyond Limits::output_max, also in a single call, the connection
  /// closes with output_overflow, and what waits is dropped. For a datagram false means that it was
  /// dropped: too large, or not taken by the kernel.
  WriteResult write(std::string_view bytes);
  /// The same.
  WriteResult write(std::span<const std::byte> bytes);
  /// Several pieces as if they were one.
  WriteResult write(std::initializer_list<std::string_view> pieces);
  /// Copies only small ones (up to 512 bytes), behind others: else the bytes are shared until the
  /// kernel has them.
  WriteResult write(SharedBytes bytes);

  /// Delivers what was written, shuts the writing side, waits at most Limits::linger_timeout for
  /// the peer to end, then closes. From now on only `closed` follows. A connection to a udp address
  /// closes at once. Nothing on a datagram.
  void close();
  /// Resets the connection now; output waiting is dropped. `closed` follows, with an empty error.
  void abort();
  /// Ends this direction behind the output waiting; reading goes on. Once both sides have ended the
  /// connection closes.
  void shutdown_write();
  /// Reads no more until resume(). What had landed already is kept. A paused connection learns of a
  /// reset, not of an orderly end. May be called at any time, in any handler.
  void pause();
  /// Reads again. If anything is untaken, `data` runs once with it, new bytes or none.
  void resume();
  /// Neither closed nor closing. Always true for a datagram.
  bool is_open() const noexcept;

  /// The value made by emplace_context<T>, or null when there is none or it is of another type.
  template <class T>
  T* context() noexcept {
    return user_context().get<T>();
  }
  /// Makes a T that lives as long as the connection, in place of what was there. A datagram has no
  /// context: this throws std::logic_error there.
  template <class T, class... Args>
  T& emplace_context(Args&&... args) {
    return emplaceable_context().emplace<T>(std::forward<Args>(args)...);
  }
  /// Values by name, which die with the connection. A datagram has none: this throws
  /// std::logic_error there.
  Attributes& values();
  /// Runs fn(Conn&) after `delay` unless the connection is gone by then. Nothing on a datagram.
  Timer run_after(Duration delay, Callback<void(Conn&)> fn);
  /// The same for a deadline that judges the peer: fn runs only once all that had arrived by then
  /// was handled, however long this process or a handler took meanwhile. Cancel or restart it when
  /// what is waited for comes.
  Timer set_deadline(Duration delay, Callback<void(Conn&)> fn);
  /// How long no byte has moved either way, as idle_timeout counts it.
  Duration idle_for() const noexcept;

  /// The connection's own address; for a datagram the one it was sent to.
  Address local() const;
  /// The peer's address, as it was at accept; for a datagram its sender's.
  Address remote() const;
  /// Which of the server's addresses this came in by, counted from 0.
  int address_index() const noexcept;
  /// Bytes written or sent through handles that the kernel has not taken yet.
  std::size_t pending_output() const noexcept;
  /// Bytes received that no handler has taken yet, as of the end of the last one; within `data` see
  /// Input.
  std::size_t pending_input() const noexcept;
  /// The limits of the Events that serve it.
  const Limits& limits() const noexcept;
  /// Tells how many bytes of memory you keep for this connection, such as the beginning of a
  /// message: they count in Limits::memory_max until you tell another number or the connection is
  /// gone. Nothing on a datagram.
  void set_held(std::size_t bytes);
  /// Changes what is set in `options`; throws Error for a value that makes no sense (see
  /// evio/options.hpp) or that the kernel refuses. file_mode and source have no effect any more.
  /// Before `opened` only idle_timeout and read_when_congested: give the others to connect, by
  /// on(). Nothing on a datagram.
  void set(const Options& options);
  /// A name for other threads and later times. The first call of a connection allocates.
  Handle handle();
  /// The loop that owns it; all its handlers run on that loop's thread.
  Loop& loop() const noexcept;
  /// The server of that loop.
  Server& server() const noexcept;
  /// A number that no other connection of this server ever has; 0 for a datagram.
  std::uint64_t id() const noexcept;
  /// The descriptor, for setsockopt and getsockopt only; may be -1.
  int native_handle() const noexcept;

 protected:
  /// What it stands for.
  enum class Kind : std::uint8_t { stream, datagram };
  /// For the library's own classes.
  explicit Conn(Kind kind) noexcept : kind_(kind) {}
  ~Conn() = default;

 private:
  Context& user_context() noexcept;
  Context& emplaceable_context();

  const Kind kind_;
};

}}  // namespace evio::v0
