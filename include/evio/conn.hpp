// Conn: one connection, or one datagram while `data` handles it.
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

/// A connection, passed to handlers by reference. The library owns it.
///
/// Thread: the connection belongs to its loop. Call it on that loop's thread only; other threads
/// use a Handle, see handle(). Debug builds stop the program at a call from another thread.
///
/// Lifetime: until `closed` or `detached` has returned; its context is destroyed right after. A
/// datagram's Conn lives until `data` has returned. To refer to a connection for longer, store its
/// Handle, not a pointer.
///
/// No function of this class calls a handler: what follows from a call (`drained`, `closed`) is
/// delivered after the running handler has returned. So handlers never run inside one another.
class EVIO_API Conn {
 public:
  Conn(const Conn&) = delete;
  Conn& operator=(const Conn&) = delete;

  /// Queues all of `bytes` for sending, after what was written before. On a datagram each call
  /// sends one datagram to the sender at once, and on a connection to a udp address one to the
  /// peer. With a codec (Events::codec) each call is one message, and an exception that its encode
  /// throws leaves this call.
  ///
  ///     if (conn.write(block).congested()) stop_producing();  // `drained` says when to go on
  ///
  /// The result says what became of the bytes, see WriteResult:
  ///  - accepted: they will be sent, and there is room for more;
  ///  - congested: they will be sent, but more than Limits::output_high bytes now wait. Do not
  ///    write them again; stop producing until `drained`;
  ///  - dropped: the connection is closed, closing or shut for writing (see is_open()), or the
  ///    datagram was too large or not accepted by the kernel.
  ///
  /// If more than Limits::output_max bytes would wait, the connection closes with
  /// Errc::output_overflow, the waiting output is lost and the result is dropped. This includes a
  /// single call with that many bytes.
  ///
  /// Cost: the bytes are copied, unless they are part of the Input that this handler received, or a
  /// SharedBytes. What one handler call writes is sent after it has returned, usually with one
  /// system call.
  WriteResult write(std::string_view bytes);
  /// As write(std::string_view), for raw bytes.
  WriteResult write(std::span<const std::byte> bytes);
  /// Writes several pieces as if they were one, without joining them first where the output is a
  /// plain stream: `conn.write({header, body})`. With a codec they are one message.
  WriteResult write(std::initializer_list<std::string_view> pieces);
  /// Shares the bytes instead of copying them, until the kernel has them all. Up to 512 bytes are
  /// copied if other output waits already, because a copy of few bytes is cheaper.
  WriteResult write(SharedBytes bytes);

  /// Sends all queued output, shuts the writing side (FIN), waits at most Limits::linger_timeout
  /// for the peer to end its side, then closes. The wait matters: closing a socket with unread
  /// input sends a reset (RFC 9293, section 3.6.1), which may destroy output that the peer has not
  /// read yet. From this call on only `closed` follows. A peer that accepts no output for
  /// Limits::drain_timeout ends it with Errc::drain_timeout. A connection to a udp address closes
  /// at once. Before `opened` it cancels the connect. Does nothing on a datagram.
  void close();
  /// Resets the connection now (RST); queued output is lost. `closed` follows, with no error. Does
  /// nothing on a datagram.
  void abort();
  /// Shuts the writing side (FIN) once all queued output was sent; reading goes on. When both sides
  /// have ended, the connection closes. Does nothing on a datagram.
  void shutdown_write();
  /// Stops reading, and with it `data` and `ended`, until resume(). Bytes that the library has
  /// received already are stored; further ones wait in the kernel, whose flow control then slows
  /// the peer. A paused connection still notices a reset, but not an orderly end. The idle timeout
  /// does not count the pause, unless output waits. May be called in any handler. Does nothing on a
  /// datagram.
  void pause();
  /// Reads again after pause(). If input is stored, `data` runs once with it, even if no new bytes
  /// have arrived. Does nothing on a datagram.
  void resume();
  /// False once the connection is closed or closing, whoever began that. Always true for a
  /// datagram.
  bool is_open() const noexcept;

  /// Returns the value that emplace_context<T> made, or null if there is none or it has another
  /// type. Always null for a datagram.
  template <class T>
  T* context() noexcept {
    return user_context().get<T>();
  }
  /// Constructs a T that lives as long as the connection, and replaces the previous value. Use it
  /// for the state of your protocol:
  ///
  ///     .opened = [](evio::Conn& c) { c.emplace_context<Session>(); },
  ///     .data = [](evio::Conn& c, evio::Input& in) { c.context<Session>()->feed(in); },
  ///
  /// Throws std::logic_error on a datagram, which has no context.
  template <class T, class... Args>
  T& emplace_context(Args&&... args) {
    return emplaceable_context().emplace<T>(std::forward<Args>(args)...);
  }
  /// Values by name, destroyed with the connection; the first call allocates. For parts of a
  /// program that do not share a context type. Throws std::logic_error on a datagram.
  Attributes& values();
  /// Runs fn(Conn&) once, after at least `delay`, on the loop's thread; dropped if the connection
  /// closes before. Does nothing on a datagram, and returns an inactive Timer.
  Timer run_after(Duration delay, Callback<void(Conn&)> fn);
  /// As run_after, for a deadline that judges the peer: fn runs only after all input that had
  /// arrived by then was handled. So the peer is not blamed for time that this process or a slow
  /// handler took. Cancel or restart the timer when the awaited input arrives.
  Timer set_deadline(Duration delay, Callback<void(Conn&)> fn);
  /// The time since a byte was last transferred in either direction, as Options::idle_timeout
  /// counts it. Zero for a datagram.
  Duration idle_for() const noexcept;

  /// The connection's own address; for a datagram the address that it was sent to.
  Address local() const;
  /// The peer's address, as it was when the connection was accepted; for a datagram its sender's.
  Address remote() const;
  /// The index of the server's address that this connection arrived at, counted from 0 in the order
  /// of the Server's arguments; -1 for an outgoing or adopted connection.
  int address_index() const noexcept;
  /// Bytes that were written here or sent through handles and that the kernel has not accepted yet.
  std::size_t pending_output() const noexcept;
  /// Bytes that were received and that no handler has taken, as of the end of the last handler.
  /// Inside `data` use Input::size().
  std::size_t pending_input() const noexcept;
  /// The limits of the Events that serve this connection.
  const Limits& limits() const noexcept;
  /// Reports how many bytes of memory you hold for this connection, such as the beginning of a
  /// message. They count in Limits::memory_max until you report another number or the connection
  /// ends; each call replaces the number before. Does nothing on a datagram.
  void set_held(std::size_t bytes);
  /// Changes the options that are set in `options`, and leaves the others. Throws Error for a value
  /// that is out of range (see evio/options.hpp) or that the kernel refuses. file_mode and source
  /// have no effect on a connection that exists. On an outgoing connection only idle_timeout and
  /// read_when_congested can be set before `opened`: pass the others to connect, by on(). Does
  /// nothing on a datagram.
  void set(const Options& options);
  /// Returns a thread-safe reference to this connection, which may outlive it. The first call for a
  /// connection allocates; later ones copy a std::shared_ptr.
  Handle handle();
  /// The loop that owns the connection; all its handlers run on that loop's thread.
  Loop& loop() const noexcept;
  /// The server of that loop.
  Server& server() const noexcept;
  /// A number that is unique among all connections of this server, never reused; 0 for a datagram.
  std::uint64_t id() const noexcept;
  /// The descriptor, for setsockopt and getsockopt only: reading, writing or closing it would
  /// confuse the loop. -1 for a datagram, before an outgoing connection is open, and in a
  /// simulation.
  int native_handle() const noexcept;

 protected:
  /// Which of the two a Conn is.
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
