// A WebSocket once its handshake is done, on either side: messages, pings, the closing
// handshake.
#pragma once

#include <cstdint>
#include <evio/conn.hpp>
#include <evio/context.hpp>
#include <evio/input.hpp>
#include <evio/shared_bytes.hpp>
#include <evio/timer.hpp>
#include <evio/websocket/handlers.hpp>
#include <evio/websocket/settings.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/websocket/congestion.hpp"
#include "protocol/websocket/deflate.hpp"
#include "protocol/websocket/extension.hpp"
#include "protocol/websocket/message_reader.hpp"
#include "protocol/websocket/subscription.hpp"

namespace evio { inline namespace v0 { namespace websocket {

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
  void set_negotiated(std::optional<DeflateAgreement> deflate, std::string protocol);
  void requested(http::Request& request);

  // What happens on the connection
  void opened();
  void data(Input& in);
  void drained();
  void draining();
  void closed(std::error_code error);
  /// The client's connection has no handshake, because of this.
  void fail_handshake(std::string_view why);

  // What the user wants
  WriteResult send(Message message);
  WriteResult send(Kind kind, SharedBytes bytes, bool compress);
  WriteResult send_frame(const SharedBytes& frame) {
    if (!is_open()) return WriteResult::Kind::dropped;
    return wrote(frame.size(), conn_.write(frame));
  }
  WriteResult ping(std::string_view payload);
  void close(CloseCode code, std::string_view reason);
  void pause();
  void resume();
  void run(Callback<void(WebSocket&)> fn);

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
  void tell_held();
  bool may_read();
  void update_reading();
  void look_at_congestion();
  void on_event(MessageReader::Event event);
  void on_close(std::string_view payload);
  WriteResult write_frame(Opcode opcode, std::string_view payload, bool compressed = false);
  WriteResult wrote(std::size_t bytes, WriteResult result);
  std::uint64_t taken() const noexcept;
  void send_close(CloseCode code, std::string_view reason);
  void fail(CloseCode code);
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
  std::string reason_;                             // of the close
  std::vector<Callback<void(WebSocket&)>> early_;  // what handles posted before it opened
  Context user_context_;
  Subscriptions subscriptions_;
  Timer timer_;
  WebSocket socket_;
  std::error_code error_;
  Congestion congestion_;
  std::uint64_t written_ = 0;      // bytes, ever
  std::uint64_t event_start_ = 0;  // written_ when the event that is being handled began
  std::uint64_t taken_ = 0;        // bytes that the peer had taken when watch() last looked
  std::uint64_t stalled_at_ = 0;   // and when look_at_congestion() did
  CloseCode code_ = CloseCode::abnormal;
  const Side side_;
  bool opened_ = false;
  bool close_sent_ = false;
  bool close_left_ = false;  // the kernel has taken the Close
  bool paused_ = false;      // by the user
  bool in_event_ = false;    // something received is being handled
  bool looks_ = false;       // look_at_congestion() is due
  bool waited_ = false;      // output waited when watch() last looked
  bool heard_ = false;       // something came since the timer looked
  bool pinged_ = false;      // and nothing since
};

}}}  // namespace evio::v0::websocket
