// One WebSocket, of a server or of a client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/callback.hpp>
#include <evio/conn.hpp>
#include <evio/context.hpp>
#include <evio/export.hpp>
#include <evio/handle.hpp>
#include <evio/shared_bytes.hpp>
#include <evio/websocket/message.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace evio { inline namespace v0 { namespace websocket {

class Session;
class WebSocket;

/// Names a WebSocket, from WebSocket::handle(). Copyable; empty by default. Every call may be made
/// from any thread and at any time, also after the WebSocket and the server are gone: then it does
/// nothing. Calls of one thread take effect in order, none of them before `opened`.
class EVIO_API Handle {
 public:
  Handle() = default;

  /// As WebSocket::send; the bytes are copied. False only if the connection is known to be gone.
  bool send(Message message) const;
  /// Without copying the bytes, unless they are compressed, or masked by a client. `compress` as in
  /// Message.
  bool send(Kind kind, SharedBytes bytes, bool compress = true) const;
  /// Runs fn(WebSocket&) on the connection's loop if it still lives then, else destroys fn unrun,
  /// on any thread. False if the connection is known to be gone.
  bool post(Callback<void(WebSocket&)> fn) const;
  /// As WebSocket::close, in order with the other calls. Throws as it does.
  void close(CloseCode code = CloseCode::normal, std::string_view reason = {}) const;

  /// Bytes sent that the kernel has not taken yet; 0 once the connection is gone.
  std::size_t pending_output() const noexcept { return conn_.pending_output(); }
  /// Whether it names a WebSocket, which may be gone; false for an empty one.
  explicit operator bool() const noexcept { return static_cast<bool>(conn_); }
  /// Whether both name the same WebSocket, or are empty.
  friend bool operator==(const Handle& a, const Handle& b) noexcept { return a.conn_ == b.conn_; }

 private:
  friend class WebSocket;
  friend struct std::hash<Handle>;
  Handle(evio::Handle conn, Session& session) noexcept
      : conn_(std::move(conn)), session_(&session) {}

  evio::Handle conn_;
  Session* session_ = nullptr;  // lives as long as the connection: touched by what conn_ posts only
};

/// A WebSocket belongs to its loop's thread: call it from there only (for other threads: handle()).
/// It lives until `closed` has returned, and its context dies right after. No call runs a handler.
class EVIO_API WebSocket {
 public:
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  /// Sends a message, compressed if the peer agreed to it and it is large enough
  /// (Deflate::size_min). False in two cases: the output waiting is above Limits::output_high (it
  /// is kept; stop producing until `drained`), or the WebSocket is not open (it is dropped; see
  /// is_open()). Beyond Limits::output_max the connection closes.
  WriteResult send(Message message);
  /// Sends a text message: valid UTF-8. As send.
  WriteResult text(std::string_view bytes) { return send({.bytes = bytes, .kind = Kind::text}); }
  /// Sends a binary message. As send.
  WriteResult binary(std::string_view bytes) {
    return send({.bytes = bytes, .kind = Kind::binary});
  }
  /// Without copying the bytes, unless they are compressed, or masked by a client. `compress` as in
  /// Message.
  WriteResult send(Kind kind, SharedBytes bytes, bool compress = true);
  /// Asks for a pong with the same payload, of at most 125 bytes (std::invalid_argument beyond).
  WriteResult ping(std::string_view payload = {});

  /// Says that nothing more follows, and why; what was sent before is delivered. No `message`
  /// follows, only `closed`, once the peer has answered or Settings::close_timeout has passed since
  /// all of that had left. Does nothing when closing already. Throws std::invalid_argument for a
  /// code that must not be sent, and a reason of more than 123 bytes or not in UTF-8.
  void close(CloseCode code = CloseCode::normal, std::string_view reason = {});
  /// No `message` until resume(); the peer is held back by TCP. Nor are pings answered, or the end
  /// noticed.
  void pause();
  /// Messages come again, beginning with those that were held back.
  void resume();
  /// From `opened` on, until either side has closed it.
  bool is_open() const noexcept;

  /// The subprotocol that was agreed on; empty without one.
  const std::string& protocol() const noexcept;
  /// Whether messages may be compressed.
  bool compresses() const noexcept;
  /// Bytes sent that the kernel has not taken yet.
  std::size_t pending_output() const noexcept { return conn().pending_output(); }

  /// The connection: its addresses, options, timers, id, loop. Its context is the component's: use
  /// context() here. Do not write to it; abort() ends it at once, without a Close.
  Conn& conn() const noexcept;
  /// A name for other threads and later times.
  Handle handle();

  /// The value made by emplace_context<T>, or null when there is none or it is of another type.
  template <class T>
  T* context() const noexcept {
    return user_context().get<T>();
  }
  /// Makes a T that lives as long as the WebSocket, in place of what was there.
  template <class T, class... Args>
  T& emplace_context(Args&&... args) const {
    return user_context().emplace<T>(std::forward<Args>(args)...);
  }

 private:
  friend class Session;
  friend class Topics;
  explicit WebSocket(Session& session) noexcept : session_(session) {}
  Context& user_context() const noexcept;

  Session& session_;
};

}}}  // namespace evio::v0::websocket

/// For unordered containers; names of one WebSocket hash alike.
template <>
struct std::hash<evio::websocket::Handle> {
  /// The hash of all that `==` compares.
  std::size_t operator()(const evio::websocket::Handle& handle) const noexcept {
    return std::hash<evio::Handle>()(handle.conn_);
  }
};
