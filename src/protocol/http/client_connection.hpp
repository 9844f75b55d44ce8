// Private. A connection of the client's: makes one call after the other.
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

namespace evio::inline v1::http {

class ClientConnection;
class ReplyParser;
struct Host;

/// A call on its way.
struct PendingCall {
  std::string request;  // its bytes
  Call call;
  Handler<void(Reply)> done;
  std::weak_ptr<ClientPool> pool{};
  Host* host = nullptr;                    // the pool's
  ClientConnection* connection = nullptr;  // once it has one
  bool repeatable = false;                 // as yet
  bool paused = false;
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
  /// Nothing of the reply has come, on a connection that had served another call.
  bool was_stale() const noexcept { return served_ > 0 && !heard_; }

  enum class State { waits, done, failed };
  /// Reads on; when done or failed the reply is complete.
  State read(Input& in, bool ended);
  Reply take_reply() noexcept { return std::move(reply_); }
  /// Whether it can make another call.
  bool keeps_alive() const noexcept;

 private:
  bool read_header(Input& in);
  State read_body(Input& in);
  bool keep(std::string_view piece);
  State fail(std::errc why);

  Conn& conn_;
  const ClientSettings& settings_;
  std::shared_ptr<PendingCall> call_;
  std::unique_ptr<ReplyParser> parser_;
  Reply reply_;
  std::size_t served_ = 0;
  bool heard_ = false;
};

}  // namespace evio::inline v1::http
