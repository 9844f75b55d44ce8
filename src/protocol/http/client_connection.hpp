// One connection of an HTTP client: sends the requests of its calls one after the other.
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

/// A call in progress: waiting for a connection, or using one.
struct PendingCall {
  // The request as it is sent. Shared with the connection's output, which may outlive the call.
  std::shared_ptr<const std::string> request;
  ClientRequest call;
  Callback<void(ClientResponse)> done;
  std::weak_ptr<ClientPool> pool{};
  Host* host = nullptr;                    // belongs to the pool
  ClientConnection* connection = nullptr;  // null while the call waits for one
  bool repeatable = false;                 // the method is idempotent and was not sent twice yet
  bool repeated = false;                   // it is sent for the second time
  bool last = false;                       // the connection is not reused after it
  bool paused = false;
  bool late = false;  // ClientSettings::timeout has passed
  Timer deadline{};
};

/// The state of one connection, stored as the connection's context. Used on the pool's loop only.
/// It reads and writes; the pool has the handlers and decides what follows.
class ClientConnection {
 public:
  explicit ClientConnection(Conn& conn, const ClientSettings& settings);
  ~ClientConnection();

  Conn& conn() noexcept { return conn_; }
  const std::shared_ptr<PendingCall>& call() const noexcept { return call_; }
  /// Sends the call's request. The connection must be idle.
  void make(std::shared_ptr<PendingCall> call);
  /// Removes and returns the present call. A paused connection is read again, because the next call
  /// is not paused.
  std::shared_ptr<PendingCall> take_call() noexcept;
  /// Whether it has made no call: a repeated call needs such a connection.
  bool is_new() const noexcept { return calls_ == 0; }
  /// Whether the connection was reused and no byte of the response has arrived: if it ends now, the
  /// server had probably closed it before the request.
  bool was_stale() const noexcept { return calls_ > 1 && !heard_; }
  /// The output has room for more of the request.
  void drained();
  /// Whether a part of the request was not written yet.
  bool sends() const noexcept { return call_ && sent_ < call_->request->size(); }

  enum class State { waits, done, failed };
  /// Reads the response. After `done` and `failed` take_reply() returns it.
  State read(Input& in, bool ended);
  /// Whether the whole response has arrived.
  bool is_replied() const noexcept;
  /// Whether the server does not need the rest of the request.
  bool refuses() const noexcept { return reply_.status >= 400 || !keeps_alive(); }
  ClientResponse take_reply() noexcept { return std::move(reply_); }
  /// Whether the connection can be reused (RFC 9112, section 9.3).
  bool keeps_alive() const noexcept;

 private:
  void send_more();
  void await_room();
  bool read_header(Input& in);
  State read_body(Input& in);
  bool store_input(std::string_view piece);
  State fail(std::errc why);

  Conn& conn_;
  const ClientSettings& settings_;
  std::shared_ptr<PendingCall> call_;
  std::unique_ptr<ResponseParser> parser_;
  ClientResponse reply_;
  std::size_t calls_ = 0;  // how many it has made
  std::size_t sent_ = 0;   // bytes of the request that were written
  bool heard_ = false;     // a byte of the response has arrived
};

}}}  // namespace evio::v0::http
