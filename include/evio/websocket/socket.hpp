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

/// A reference to a WebSocket for other threads and later times, from WebSocket::handle().
/// Copyable. Every function may be called on any thread and at any time, also after the WebSocket
/// or the server is gone: then it does nothing. Calls of one thread take effect in order, none of
/// them before `opened`.
///
///     pool.run([to = socket.handle()] { to.send({.bytes = compute()}); });
class EVIO_API Handle {
 public:
  /// Refers to no WebSocket.
  Handle() = default;

  /// Sends a message as WebSocket::send does, later and on the loop's thread. The bytes are copied.
  /// Returns false if the connection is already known to be gone. True is no promise: the
  /// connection may end before the message is sent.
  bool send(Message message) const;
  /// Sends a message without copying its bytes, unless they are compressed or, by a client, masked.
  /// `compress` is as in Message.
  bool send(Kind kind, SharedBytes bytes, bool compress = true) const;
  /// Runs fn(WebSocket&) on the thread of the connection's loop if the connection still exists
  /// then; never inside this call. Otherwise fn is destroyed without being called, on any thread.
  /// Returns false if the connection is already known to be gone.
  bool post(Callback<void(WebSocket&)> fn) const;
  /// Closes the WebSocket as WebSocket::close does, in order with the other calls. Throws at once
  /// as that does.
  void close(CloseCode code = CloseCode::normal, std::string_view reason = {}) const;

  /// Bytes sent that the kernel has not taken yet; 0 after the connection is gone. The value may be
  /// out of date when it is returned.
  std::size_t pending_output() const noexcept { return conn_.pending_output(); }
  /// Returns whether the handle refers to a WebSocket, even one that is gone; false for a
  /// default-constructed handle.
  explicit operator bool() const noexcept { return static_cast<bool>(conn_); }
  /// Returns whether both refer to the same WebSocket, or both to none.
  friend bool operator==(const Handle& a, const Handle& b) noexcept { return a.conn_ == b.conn_; }

 private:
  friend class WebSocket;
  friend struct std::hash<Handle>;
  Handle(evio::Handle conn, Session& session) noexcept
      : conn_(std::move(conn)), session_(&session) {}

  evio::Handle conn_;
  Session* session_ = nullptr;  // lives as long as the connection: used by what conn_ posts only
};

/// One WebSocket. Use it on its loop's thread only; for other threads there is handle(). It lives
/// until `closed` has returned, and its context is destroyed right after that. No function calls a
/// handler: what follows from a call is reported later.
class EVIO_API WebSocket {
 public:
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  /// Sends a message as one frame. It is compressed if that was negotiated and the message has
  /// at least Deflate::size_min bytes. The bytes are copied.
  ///
  /// The result is `congested` if the output that waits is above Limits::output_high: the message
  /// is kept, and `drained` is called when there is room for more. It is `dropped` if the WebSocket
  /// is not open (is_open()). If more than Limits::output_max waits, the connection closes.
  ///
  /// While the output is congested, a limited amount of input is still read, so that two peers that
  /// wait for each other do not wait forever.
  WriteResult send(Message message);
  /// Sends a text message, which must be valid UTF-8. Equivalent to send().
  WriteResult text(std::string_view bytes) { return send({.bytes = bytes, .kind = Kind::text}); }
  /// Sends a binary message. Equivalent to send().
  WriteResult binary(std::string_view bytes) {
    return send({.bytes = bytes, .kind = Kind::binary});
  }
  /// Sends a message without copying its bytes, unless they are compressed or, by a client, masked
  /// (RFC 6455, section 5.3). `compress` is as in Message. To send one message to many WebSockets
  /// see Topics.
  WriteResult send(Kind kind, SharedBytes bytes, bool compress = true);
  /// Sends a ping. The peer answers with a pong of the same payload (RFC 6455, section 5.5.2).
  /// Settings::ping_interval sends pings automatically; this one is for measuring. Throws
  /// std::invalid_argument for more than 125 bytes.
  WriteResult ping(std::string_view payload = {});

  /// Begins the closing handshake (RFC 6455, section 7): sends what was sent before, then a Close.
  /// From now on `message` is no longer called. `closed` follows when the peer has answered, or
  /// when Settings::close_timeout has passed after the Close left. Does nothing if the WebSocket is
  /// not open. Throws std::invalid_argument for a code that must not be sent, and for a reason that
  /// has more than 123 bytes or is not UTF-8.
  void close(CloseCode code = CloseCode::normal, std::string_view reason = {});
  /// Stops reading until resume(): TCP's flow control then slows the peer down. Meanwhile no
  /// handler for input is called, pings are not answered, and the peer's end is not noticed. The
  /// peer is not judged by Settings::ping_interval as long as it receives.
  void pause();
  /// Continues to read. `message` is called again later, first for the messages that had arrived.
  void resume();
  /// Returns whether messages can be sent: from `opened` on, until either side has sent a Close or
  /// the connection ends.
  bool is_open() const noexcept;

  /// The negotiated subprotocol (Settings::protocols); empty if there is none.
  const std::string& protocol() const noexcept;
  /// Returns whether compression was negotiated (Settings::deflate).
  bool compresses() const noexcept;
  /// Bytes sent that the kernel has not taken yet.
  std::size_t pending_output() const noexcept { return conn().pending_output(); }

  /// The connection, for its addresses, options, timers, id and loop. Conn::abort ends it at once,
  /// without a Close. Do not write to it or use its context: the component does. For a value of
  /// your own see context().
  Conn& conn() const noexcept;
  /// Returns a reference for other threads and later times. The first call allocates.
  Handle handle();

  /// Returns the value made by emplace_context<T>, or null if there is none or it has another type.
  template <class T>
  T* context() const noexcept {
    return user_context().get<T>();
  }
  /// Makes a T that lives as long as the WebSocket, in place of the present value.
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

/// For unordered containers: equal handles have equal hashes.
template <>
struct std::hash<evio::websocket::Handle> {
  /// Hashes what `==` compares.
  std::size_t operator()(const evio::websocket::Handle& handle) const noexcept {
    return std::hash<evio::Handle>()(handle.conn_);
  }
};
