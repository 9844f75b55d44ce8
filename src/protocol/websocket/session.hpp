// A WebSocket after its handshake, of a server or of a client: messages, pings, the closing
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

/// Which side of the connection this is. Clients mask their frames, servers do not (RFC 6455,
/// section 5.1).
enum class Side { server, client };

/// The handlers and settings of an endpoint, shared by its WebSockets on all loops, or of a
/// client's WebSocket. They do not change.
struct Service {
  Handlers handlers;
  Settings settings;
};

/// The state behind a WebSocket. The sides pass it the connection's events, the public WebSocket
/// the user's calls. Used on its loop's thread only. It lives as long as the connection: so what is
/// posted to the connection may refer to it.
class Session {
 public:
  Session(Conn& conn, Side side, std::shared_ptr<Service> service);
  Session(const Session&) = delete;
  ~Session();

  // The results of the handshake
  void set_negotiated(std::optional<DeflateAgreement> deflate, std::string protocol);
  void requested(http::Request& request);

  // The events of the connection
  void opened();
  void data(Input& in);
  void drained();
  void draining();
  void closed(std::error_code error);
  /// For a client: the server's answer is not a valid handshake. Closes the connection; `closed`
  /// reports the reason.
  void fail_handshake(std::string_view why);

  // The calls of the user
  WriteResult send(Message message);
  WriteResult send(Kind kind, SharedBytes bytes, bool compress);
  /// Sends a frame that was made before, for Topics.
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
  void report_held();
  bool may_read();
  void update_reading();
  void check_congestion();
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
  std::unique_ptr<MessageReader> reader_;  // null while no message or frame has begun to arrive
  std::optional<Compressor> compressor_;
  std::optional<Decompressor> decompressor_;
  std::string protocol_;
  std::string reason_;                             // of the peer's Close, or of a failed handshake
  std::vector<Callback<void(WebSocket&)>> early_;  // posted by handles before `opened`
  Context user_context_;
  Subscriptions subscriptions_;
  Timer timer_;
  WebSocket socket_;
  std::error_code error_;
  Congestion congestion_;
  std::uint64_t written_ = 0;      // bytes of output since the connection began
  std::uint64_t event_start_ = 0;  // written_ when the present event began
  std::uint64_t taken_ = 0;        // taken() when watch() last looked
  std::uint64_t stalled_at_ = 0;   // taken() when the present wait for check_congestion() began
  CloseCode code_ = CloseCode::abnormal;
  const Side side_;
  bool opened_ = false;
  bool close_sent_ = false;
  bool close_left_ = false;  // the kernel has taken the Close
  bool paused_ = false;      // by the user
  bool in_event_ = false;    // an event of the input is being handled
  bool looks_ = false;       // a timer for check_congestion() is set
  bool waited_ = false;      // output was waiting when watch() last looked
  bool heard_ = false;       // something was received since watch() last looked
  bool pinged_ = false;      // watch() sent a ping, and nothing was received since
};

}}}  // namespace evio::v0::websocket
