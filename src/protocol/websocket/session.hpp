// Private. A WebSocket once its handshake is done, on either side: messages, pings, the closing handshake.
#pragma once

#include <cstdint>
#include <evio/buffer.hpp>
#include <evio/conn.hpp>
#include <evio/context.hpp>
#include <evio/input.hpp>
#include <evio/timer.hpp>
#include <evio/websocket/handlers.hpp>
#include <evio/websocket/settings.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/websocket/deflate.hpp"
#include "protocol/websocket/extension.hpp"
#include "protocol/websocket/message_reader.hpp"
#include "protocol/websocket/subscription.hpp"

namespace evio::inline v1::websocket {

enum class Side { server, client };

/// What the WebSockets of an endpoint, or a client's only one, have in common.
struct Service {
  Handlers handlers;
  Settings settings;
};

/// All calls are for its loop's thread.
class Session {
 public:
  Session(Conn& conn, Side side, std::shared_ptr<Service> service);
  Session(const Session&) = delete;
  ~Session();

  // What the handshake found out
  void agree(std::optional<DeflateAgreement> deflate, std::string protocol);
  void requested(http::Request& request);

  // What happens on the connection
  void opened();
  void data(Input& in);
  void drained();
  void closed(std::error_code error);
  /// The client's connection has no handshake, because of this.
  void decline(std::string_view why);

  // What the user wants
  bool send(Message message);
  bool send(Kind kind, Buffer bytes);
  bool send_frame(const Buffer& frame) { return is_open() && wrote(conn_.write(frame)); }
  bool ping(std::string_view payload);
  void close(std::uint16_t code, std::string_view reason);
  void pause();
  void resume();
  void run(Handler<void(WebSocket&)> fn);

  WebSocket& socket() noexcept { return socket_; }
  Conn& conn() const noexcept { return conn_; }
  Service& service() const noexcept { return *service_; }
  Side side() const noexcept { return side_; }
  bool is_open() const noexcept { return opened_ && !close_sent_ && conn_.is_open(); }
  const std::string& protocol() const noexcept { return protocol_; }
  bool compresses() const noexcept { return compressor_.has_value(); }
  Context& user_context() noexcept { return user_context_; }
  Subscriptions& subscriptions() noexcept { return subscriptions_; }

 private:
  void read(Input& in);
  void on_event(MessageReader::Event event);
  void on_close(std::string_view payload);
  bool write_frame(Opcode opcode, std::string_view payload, bool compressed = false);
  bool wrote(bool ready) noexcept;
  void send_close(std::uint16_t code, std::string_view reason);
  void fail(Code code);
  void arm(Duration time);
  void watch();
  template <class Call>
  void call(Call&& user_call);

  Conn& conn_;
  const std::shared_ptr<Service> service_;
  std::unique_ptr<MessageReader> reader_;  // while something has begun to come
  std::optional<Compressor> compressor_;
  std::optional<Decompressor> decompressor_;
  std::string protocol_;
  std::string reason_;                            // of the close
  std::vector<Handler<void(WebSocket&)>> early_;  // what handles posted before it opened
  Context user_context_;
  Subscriptions subscriptions_;
  Timer timer_;
  WebSocket socket_;
  std::error_code error_;
  std::uint16_t code_ = abnormal;
  const Side side_;
  bool opened_ = false;
  bool close_sent_ = false;
  bool paused_ = false;
  bool congested_ = false;
  bool heard_ = false;   // something came since the timer looked
  bool pinged_ = false;  // and nothing since
};

}  // namespace evio::inline v1::websocket
