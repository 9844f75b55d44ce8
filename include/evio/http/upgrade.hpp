// The interface of a protocol to which an HTTP connection is upgraded.
#pragma once

#include <evio/action.hpp>
#include <evio/conn.hpp>
#include <evio/export.hpp>
#include <evio/input.hpp>
#include <system_error>

namespace evio { inline namespace v0 { namespace http {

/// The protocol of a connection after a 101 answer. Pass an object of a derived class to
/// Response::upgrade:
///
///     struct Echo : http::Upgraded {
///       Action data(Conn& conn, Input& in) override {
///         conn.write(in.take());
///         return Action::none;
///       }
///     };
///     response.upgrade("echo", std::make_unique<Echo>());
///
/// The connection owns the object. From then on every event of the connection calls the function of
/// the same name here, with the meaning, on the thread and by the rules of evio::Events. The limits
/// and timeouts of http::Settings no longer apply; those of Limits and Options do.
///
/// The order is: the handler that called Response::upgrade returns; the answer is written, before
/// anything that this object writes; opened(); data(), with the bytes that the client has sent
/// after its request, if there are any, or else when bytes arrive; then the other functions as
/// events occur. closed() is the last call, and the object is destroyed right after it, on the same
/// thread.
///
/// The object may use the connection freely: write, close, pause, run_after, handle() and so on.
/// The one exception is Conn::emplace_context: the HTTP component stores this object there, and
/// replacing it would destroy the object.
class EVIO_API Upgraded {
 public:
  /// For derived classes. The connection is passed to each function.
  Upgraded() = default;
  Upgraded(const Upgraded&) = delete;
  Upgraded& operator=(const Upgraded&) = delete;
  virtual ~Upgraded() = default;

  /// The answer was written: the protocol begins. The place to set timers and to send a first
  /// message.
  virtual Action opened(Conn&) { return Action::none; }
  /// Data arrived, Handle::wake was called, or reading resumed. The input is borrowed until this
  /// returns. Bytes that are not consumed are passed again next time, together with new ones, up to
  /// Limits::input_max.
  virtual Action data(Conn& conn, Input& in) = 0;
  /// The output that waits fell below Limits::output_low after it had exceeded output_high: write
  /// again.
  virtual Action drained(Conn&) { return Action::none; }
  /// The peer will send no more. The input that is left is passed for the last time. By default the
  /// connection closes; with Action::none it stays open for writing until you close it.
  virtual Action ended(Conn&, Input&) { return Action::close; }
  /// The server begins to end, as in Events::draining: end the protocol in order and close. Called
  /// at most once, and never before opened().
  virtual Action draining(Conn&) { return Action::none; }
  /// The connection is gone; the error is as in Events::closed. Always the last call. If the
  /// connection ended before the answer could be written, it is the only call.
  virtual void closed(Conn&, std::error_code) {}
};

}}}  // namespace evio::v0::http
