// The public WebSocket and Handle: they pass each call on to the session.
#include <evio/websocket/socket.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "protocol/websocket/close_code.hpp"
#include "protocol/websocket/session.hpp"
#include "protocol/websocket/utf8.hpp"

namespace evio { inline namespace v0 { namespace websocket {

void check_close(CloseCode code, std::string_view reason) {
  constexpr std::size_t longest = 123;  // bytes: a control frame has 125, the code takes two
  if (!is_close_code(code) && code != CloseCode::no_status)
    throw std::invalid_argument("evio: " + std::to_string(static_cast<unsigned>(code)) +
                                " must not be the code of a WebSocket's Close");
  if (code == CloseCode::no_status && !reason.empty())
    throw std::invalid_argument("evio: a Close without a code must not have a reason");
  if (reason.size() > longest)
    throw std::invalid_argument("evio: the reason of a Close has at most 123 bytes");
  if (!Utf8::is_valid(reason))
    throw std::invalid_argument("evio: the reason of a Close must be UTF-8");
}

WriteResult WebSocket::send(Message message) { return session_.send(message); }
WriteResult WebSocket::send(Kind kind, SharedBytes bytes, bool compress) {
  return session_.send(kind, std::move(bytes), compress);
}
WriteResult WebSocket::ping(std::string_view payload) { return session_.ping(payload); }
void WebSocket::close(CloseCode code, std::string_view reason) { session_.close(code, reason); }
void WebSocket::pause() { session_.pause(); }
void WebSocket::resume() { session_.resume(); }
bool WebSocket::is_open() const noexcept { return session_.is_open(); }
const std::string& WebSocket::protocol() const noexcept { return session_.protocol(); }
bool WebSocket::compresses() const noexcept { return session_.compresses(); }
Conn& WebSocket::conn() const noexcept { return session_.conn(); }
Handle WebSocket::handle() { return {conn().handle(), session_}; }
Context& WebSocket::user_context() const noexcept { return session_.user_context(); }

// The message's bytes are borrowed: they are copied for the time until the loop sends them.
bool Handle::send(Message message) const {
  return post([bytes = std::string(message.bytes), message](WebSocket& socket) mutable {
    message.bytes = bytes;
    socket.send(message);
  });
}

bool Handle::send(Kind kind, SharedBytes bytes, bool compress) const {
  return post([kind, bytes = std::move(bytes), compress](WebSocket& socket) {
    socket.send(kind, bytes, compress);
  });
}

// The session lives as long as the connection, and the connection runs the post only while it
// lives.
bool Handle::post(Callback<void(WebSocket&)> fn) const {
  return conn_.post(
      [session = session_, fn = std::move(fn)](Conn&) mutable { session->run(std::move(fn)); });
}

// Checked here, because an exception on the loop's thread could not reach the caller.
void Handle::close(CloseCode code, std::string_view reason) const {
  check_close(code, reason);
  post([code, reason = std::string(reason)](WebSocket& socket) { socket.close(code, reason); });
}

}}}  // namespace evio::v0::websocket
