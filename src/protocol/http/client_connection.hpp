// A connection of the client's: makes one call after the other.
#pragma once

#include <cstddef>
#include <evio/conn.hpp>
#include <evio/http/client.hpp>
#include <evio/input.hpp>
#include <evio/timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 { namespace http {

class ClientConnection;
class ResponseParser;
struct Host;

/// A call on its way.
struct PendingCall {
  std::shared_ptr<const std::string> request;  // its bytes
  ClientRequest call;
  Callback<void(ClientResponse)> done;
  std::weak_ptr<ClientPool> pool{};
  Host* host = nullptr;                    // the pool's
  ClientConnection* connection = nullptr;  // once it has one
  bool repeatable = false;                 // as yet
  bool repeated = false;                   // a new connection makes it
  bool last = false;                       // of its connection
  bool paused = false;
  bool late = false;  // it took longer than it may
  Timer deadline{};
};

/// Belongs to the pool's loop. Its Conn's handlers are the pool's.
class ClientConnection {
 public:
  explicit ClientConnection(Conn& conn, const ClientSettings& settings);
  ~ClientConnection();

  Conn& conn() noexcept { return conn_; }
  const std::shared_ptr<PendingCall>& call() const noexcept { return call_; }
  /// For an idle one.
  void make(std::shared_ptr<PendingCall> call);
  /// The call that it makes, taken from it; paused or not, the connection is read again.
  std::shared_ptr<PendingCall> take_call() noexcept;
  /// For a call that may have been the end of another connection.
  bool is_new() const noexcept { return calls_ == 0; }
  /// Nothing of the reply has come, on a connection that had served another call.
  bool was_stale() const noexcept { return calls_ > 1 && !heard_; }
  /// There is room for more of the request.
  void drained();
  /// There is a rest of the request.
  bool sends() const noexcept { return call_ && sent_ < call_->request->size(); }

  enum class State { waits, done, failed };
  /// Reads on; when done or failed the reply is complete.
  State read(Input& in, bool ended);
  /// The whole reply is there.
  bool is_replied() const noexcept;
  /// The server does not want the rest of the request.
  bool refuses() const noexcept { return reply_.status >= 400 || !keeps_alive(); }
  ClientResponse take_reply() noexcept { return std::move(reply_); }
  /// Whether it can make another call.
  bool keeps_alive() const noexcept;

 private:
  void send_more();
  void await_room();
  bool read_header(Input& in);
  State read_body(Input& in);
  bool keep(std::string_view piece);
  State fail(std::errc why);

  Conn& conn_;
  const ClientSettings& settings_;
  std::shared_ptr<PendingCall> call_;
  std::unique_ptr<ResponseParser> parser_;
  ClientResponse reply_;
  std::size_t calls_ = 0;  // made
  std::size_t sent_ = 0;   // of the request
  bool heard_ = false;
};

}}}  // namespace evio::v0::http
