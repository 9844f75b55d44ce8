// What a connection becomes when it leaves HTTP for another protocol.
#pragma once

#include <evio/action.hpp>
#include <evio/conn.hpp>
#include <evio/export.hpp>
#include <evio/input.hpp>
#include <system_error>

namespace evio { inline namespace v0 { namespace http {

/// The protocol that a connection speaks from a 101 answer on: hand one to Response::upgrade. The
/// connection owns it. From then on all that happens on the connection comes here, with the
/// meaning, on the thread and by the rules of the handlers of the same names in evio::Events; HTTP,
/// its limits and its deadlines are done with the connection.
///
/// The order: the handler that called Response::upgrade returns; the answer is written, before
/// anything that is written here; opened(); data() with what the client had sent behind its
/// request, if anything, else once bytes come; then whatever happens. closed() is the last call,
/// and the object dies right after it, on the same thread. The object writes to the connection
/// directly: Conn::write, close, pause, run_after, handle() are all its own. Only
/// Conn::emplace_context is not: the component keeps this object there.
class EVIO_API Upgraded {
 public:
  Upgraded() = default;
  Upgraded(const Upgraded&) = delete;
  Upgraded& operator=(const Upgraded&) = delete;
  virtual ~Upgraded() = default;

  /// The answer was written: the protocol begins. A good place to arm timers and to greet.
  virtual Action opened(Conn&) { return Action::none; }
  /// Bytes came, or the connection was woken or reads again. What it leaves in Input comes again,
  /// with more; Limits of the Events hold.
  virtual Action data(Conn& conn, Input& in) = 0;
  /// The output fell below Limits::output_low after it had exceeded output_high.
  virtual Action drained(Conn&) { return Action::none; }
  /// The peer will send no more; what was left untaken is shown for the last time.
  virtual Action ended(Conn&, Input&) { return Action::close; }
  /// The server begins to end, as in Events::draining: say goodbye. Once at most, never before
  /// opened.
  virtual Action draining(Conn&) { return Action::none; }
  /// The last call; the error as in Events::closed. Also called when the answer could not be
  /// written any more, and then alone.
  virtual void closed(Conn&, std::error_code) {}
};

}}}  // namespace evio::v0::http
