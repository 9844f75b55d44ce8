// An HTTP/1.1 client that runs on a loop, for proxies and tests.
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

/// The limits and timeouts of a Client. They apply to each of its calls.
struct ClientSettings {
  /// How many connections may be open to one host and port at the same time. Further calls wait
  /// for one of these, in the order of Client::call. At least 1.
  std::size_t connections_max = 8;
  /// Bytes of a response's status line and fields together, and of its trailers. A longer header
  /// ends the call with std::errc::message_size.
  std::size_t header_max = 64 << 10;
  /// Bytes of ClientResponse::body. A longer body ends the call with std::errc::message_size. It
  /// does not apply to a body that ClientRequest::receive gets.
  std::size_t body_max = 16 << 20;
  /// The time for a whole call, from Client::call on: waiting for a connection, connecting, the
  /// request and the response. After it the call ends with std::errc::timed_out.
  Duration timeout = std::chrono::seconds(30);
  /// An unused connection is closed after this long. 0: the client never closes it.
  Duration idle_timeout = std::chrono::seconds(30);
  /// The limits of each connection. A request may be larger than Limits::output_max: the client
  /// writes it in pieces, so that at most about output_high of it waits in the connection.
  Limits limits{};
};

/// A request for Client::call.
struct ClientRequest {
  /// The method: any token (RFC 9110, section 9.1) except CONNECT. Upper and lower case differ.
  std::string method = "GET";
  /// `http://host[:port][/path][?query]`. The port is 80 by default. A fragment may follow, and is
  /// not sent. `https` is refused: the client has no TLS.
  std::string url;
  /// Names and values of further fields. The client writes Host and Content-Length itself.
  std::vector<std::pair<std::string, std::string>> fields{};
  /// The body. It is sent with Content-Length; chunked requests are not supported.
  std::string body{};
  /// Called once, when the final response's status and fields have arrived and before its body.
  /// The response is borrowed until the callback returns. Responses with status 100 to 199 are
  /// skipped.
  Callback<void(const ClientResponse&)> begun{};
  /// Called with each piece of the response's body as it arrives, in place of filling
  /// ClientResponse::body. The piece is borrowed until the callback returns. There is no bound on
  /// the sum of the pieces: use ClientCall::pause to slow the server down.
  Callback<void(std::string_view piece)> receive{};
};

/// The response to a ClientRequest, or the reason why there is none.
struct EVIO_API ClientResponse {
  /// Empty for a complete response. Otherwise the connection's error, std::errc::timed_out,
  /// std::errc::bad_message (it is not valid HTTP) or std::errc::message_size (beyond header_max or
  /// body_max).
  std::error_code error{};
  /// 200 to 599; 0 if an error came before the status line.
  int status = 0;
  /// Names and values in the order in which they were received. A name may occur several times.
  std::vector<std::pair<std::string, std::string>> fields{};
  /// The body, without its chunked framing. Empty if ClientRequest::receive got it.
  std::string body{};

  /// Returns the value of the first field with this name, in any case; empty if there is none.
  std::string_view field(std::string_view name) const noexcept;
};

/// Refers to a call in progress, to slow its response down or to cancel it:
///
///     auto call = client.call({.url = url, .receive = forward}, done);
///     if (downstream_is_congested) call.pause();
///
/// Use it on the thread of the client's loop only. Copyable. After the call has ended, or its
/// Client is gone, all functions do nothing.
class EVIO_API ClientCall {
 public:
  /// Refers to no call.
  ClientCall() = default;

  /// Stops reading the response until resume(): TCP's flow control then slows the server down.
  /// ClientSettings::timeout continues to run.
  void pause() const;
  /// Continues to read the response.
  void resume() const;
  /// Ends the call: closes its connection if it has one, and removes it from the waiting calls
  /// otherwise. `done` is destroyed without being called.
  void cancel() const;

 private:
  friend class ClientPool;
  explicit ClientCall(std::weak_ptr<PendingCall> call) noexcept : call_(std::move(call)) {}

  std::weak_ptr<PendingCall> call_;
};

/// Sends requests from one loop and reuses its connections for later requests. Use it on that
/// loop's thread only; all callbacks run there.
///
///     http::Client client(loop);
///     client.get("http://localhost:8080/", [](http::ClientResponse response) {
///       if (!response.error) print(response.status, response.body);
///     });
///
/// Destroying the client, also inside one of its callbacks, cancels the calls in progress: their
/// `done` is destroyed without being called.
///
/// If a reused connection turns out to be closed by the server, the client sends the request once
/// more on a new connection, provided that its method is idempotent (RFC 9110, section 9.2.2).
/// Other requests end with the connection's error, because the server may have processed them.
///
/// The client reads while it sends. A response with a status of 400 or more, or one after which the
/// server closes, ends the call although the request was not sent completely.
class EVIO_API Client {
 public:
  /// Makes a client of `loop`, which must outlive it. Connections are opened when calls need them.
  /// Throws std::invalid_argument for a negative duration and if connections_max is 0.
  [[nodiscard]] explicit Client(Loop& loop, ClientSettings settings = {});
  /// Takes over the calls in progress. The moved-from client may only be destroyed or assigned to.
  Client(Client&&) noexcept;
  /// Exchanges the two clients; this one's calls in progress end with `other`.
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Sends a request. `done` is called exactly once with the response or the error, always after
  /// this function has returned; it is not called if the call is cancelled or the client destroyed.
  /// A request with the field `Connection: close` is the last one of its connection.
  ///
  /// Throws Error for an invalid URL. Throws std::invalid_argument for CONNECT, for a method or
  /// field that is not valid (RFC 9110, sections 9.1 and 5.5), and for the fields that the client
  /// writes itself: Host, Content-Length and Transfer-Encoding.
  ClientCall call(ClientRequest call, Callback<void(ClientResponse)> done);
  /// Sends a GET request without further fields. Equivalent to call() with only the URL set.
  ClientCall get(std::string_view url, Callback<void(ClientResponse)> done);

 private:
  std::shared_ptr<ClientPool> pool_;
};

}}}  // namespace evio::v0::http
