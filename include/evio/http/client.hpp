// A small HTTP/1.1 client, for proxies and tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <evio/callback.hpp>
#include <evio/duration.hpp>
#include <evio/export.hpp>
#include <evio/options.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace evio { inline namespace v0 {
class Loop;
}}  // namespace evio::v0

namespace evio { inline namespace v0 { namespace http {

class ClientPool;
struct PendingCall;
struct ClientResponse;

/// What holds for all calls of a client.
struct ClientSettings {
  std::size_t connections_max = 8;    ///< to a host and port at once; further calls wait for one
  std::size_t header_max = 64 << 10;  ///< of a reply, bytes; beyond: an error
  std::size_t body_max = 16 << 20;    ///< that is kept, bytes; beyond: an error
  Duration timeout = std::chrono::seconds(
      30);  ///< for a whole call, connecting and waiting for a connection included
  Duration idle_timeout = std::chrono::seconds(30);  ///< how long an unused connection is kept
  Limits limits{};  ///< of each connection. A request of any size is sent: no more of it than
                    ///< output_high waits there
};

/// What a host is asked.
struct ClientRequest {
  /// Any token but CONNECT.
  std::string method = "GET";
  std::string url;  ///< http://host[:port][/path][?query][#fragment]
  std::vector<std::pair<std::string, std::string>>
      fields{};        ///< beside those that say whither and how long
  std::string body{};  ///< sent with its Content-Length
  /// Is told the reply's status and fields as soon as they are there, before its body.
  Callback<void(const ClientResponse&)> begun{};
  /// Gets the reply's body as it comes, in place of ClientResponse::body, whose bound then does not
  /// hold.
  Callback<void(std::string_view piece)> receive{};
};

/// What it says.
struct EVIO_API ClientResponse {
  std::error_code
      error{};     ///< why there is none: the connection's, timed_out, bad_message, message_size
  int status = 0;  ///< 0 with an error before it
  std::vector<std::pair<std::string, std::string>> fields{};  ///< name and value, in order
  std::string body{};  ///< empty if ClientRequest::receive got it

  /// The value of the first field of that name; empty without one.
  std::string_view field(std::string_view name) const noexcept;
};

/// A call on its way, for whoever has to hold its reply back or to give it up. Belongs to the
/// thread of the client's loop. Copyable; does nothing once the reply is there or the Client gone.
class EVIO_API ClientCall {
 public:
  ClientCall() = default;

  /// No more of the reply is read until resume(): its sender is held back by TCP.
  /// ClientSettings::timeout goes on.
  void pause() const;
  /// The reply's body goes on.
  void resume() const;
  /// Closes the call's connection, if it has one yet. `done` is destroyed uncalled.
  void cancel() const;

 private:
  friend class ClientPool;
  explicit ClientCall(std::weak_ptr<PendingCall> call) noexcept : call_(std::move(call)) {}

  std::weak_ptr<PendingCall> call_;
};

/// Calls hosts from one loop, on whose thread all calls and replies are, and keeps connections for
/// the next calls. Destroying it (in any of their handlers too) drops the calls that have no reply
/// yet, unanswered. A call that found its kept connection closed is made once more, on a new one,
/// if its method may be repeated (RFC 9110, section 9.2.2). Replies are read while their requests
/// are still being sent: one that refuses the request (a status from 400 on, or a connection that
/// the server will close) ends it there.
class EVIO_API Client {
 public:
  /// Makes calls on that loop. Throws std::invalid_argument for a negative time, and for no
  /// connections at all.
  [[nodiscard]] explicit Client(Loop& loop, ClientSettings settings = {});
  /// The calls under way go with it.
  Client(Client&&) noexcept;
  /// Gives up the calls of its own that are under way.
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// `done` gets the one reply, never inside this call. Throws Error for a URL that nothing can be
  /// asked, and std::invalid_argument for a method or field that is none, for CONNECT, and for
  /// fields that the client writes itself: Host, Content-Length, Transfer-Encoding. After
  /// `Connection: close` the connection makes no other call.
  ClientCall call(ClientRequest call, Callback<void(ClientResponse)> done);
  /// A GET without more, as call.
  ClientCall get(std::string_view url, Callback<void(ClientResponse)> done);

 private:
  std::shared_ptr<ClientPool> pool_;
};

}}}  // namespace evio::v0::http
