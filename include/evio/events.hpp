// What a server does: handlers and settings.
#pragma once

#include <evio/action.hpp>
#include <evio/backend.hpp>
#include <evio/balance.hpp>
#include <evio/callback.hpp>
#include <evio/codec.hpp>
#include <evio/duration.hpp>
#include <evio/options.hpp>
#include <evio/socket.hpp>
#include <evio/trace.hpp>
#include <exception>
#include <system_error>

namespace evio { inline namespace v0 {

class Conn;
class Input;
class Loop;
class Server;

/// The handlers and settings of a service. Written with designated initializers: `{.data = [](auto&
/// c, auto& in)
/// {...}}`; fields may be added, never reordered. Move-only: pass on what a function returns, or
/// std::move(events).
///
/// Handlers run on the thread of the loop that owns the connection, never two of one connection at
/// once and never one inside another. With `loops > 1` a handler's captures are shared by several
/// threads; what belongs to one loop lives in Loop::context. Each handler that returns Action may
/// return void instead, and each may leave its parameters out, all of them or the last ones.
struct Events {
  /// 0 or 1: one loop, on the caller's thread. N: the caller's thread runs loop 0, threads "evio-1"
  /// to "evio-<N-1>" the rest, and connections are accepted on a thread of their own, so that a
  /// busy loop delays only what it owns. -1: one for each processor that this process may use, by
  /// its affinity and by its control group's quota (cpu.max).
  int loops = 1;
  Balance balance = LoadBalance::round_robin;  ///< which loop gets a new connection
  /// What the kernel is asked through; automatic: the best there is.
  Backend backend = Backend::automatic;
  Duration busy_poll{};  ///< after work, look for more at most this long before sleeping; 0: never
  Limits limits{};       ///< bounds of memory and patience
  Options options{};     ///< of every connection of this service
  Codec codec{};  ///< cuts streams into messages: `data` gets one each time, `write` sends one
  bool handle_signals =
      false;  ///< SIGINT and SIGTERM become shutdown(), a second one forces it; dispositions are
              ///< restored at the end. One such server a process, else Error.

  /// All addresses are bound, nothing is accepted yet; Server::addresses() shows the real ports. On
  /// run's thread.
  Callback<Action(Server&)> serving{};
  /// The first call on each loop's thread.
  Callback<void(Loop&)> loop_started{};
  /// A connection was accepted, adopted or connected. Nothing else of it ran before.
  Callback<Action(Conn&)> opened{};
  /// Bytes came (stream), one datagram came (udp), or the connection was woken or reads again,
  /// perhaps with no new input. What it leaves in Input comes again, with more. Unset: input is
  /// dropped.
  Callback<Action(Conn&, Input&)> data{};
  /// The output fell below Limits::output_low after it had exceeded output_high: produce again.
  Callback<Action(Conn&)> drained{};
  /// The peer will send no more; what was left untaken is shown for the last time. The connection
  /// stays open for writing until you close it. Unset: it is closed, with everything written
  /// delivered.
  Callback<Action(Conn&, Input&)> ended{};
  /// The server begins to end: once for each connection that is open, by Server::drain (accepted
  /// ones) or by shutdown (the others, and all if nothing drained before). A protocol finishes what
  /// is under way and says goodbye; what is idle (Conn::idle_for) may close. After drain the
  /// connection goes on until it closes; after shutdown it is closed as soon as this returns, with
  /// everything written delivered. Unset: nothing.
  Callback<Action(Conn&)> draining{};
  /// The last call of a connection, exactly once for each that was opened and not detached. The
  /// error is empty for an orderly end, your own close or abort, and shutdown; else it says what
  /// went wrong (a std::errc or an evio::Errc).
  Callback<Action(Conn&, std::error_code)> closed{};
  /// The last call of a connection for which a handler returned Action::detach: the socket is
  /// yours. Unset: detach means close.
  Callback<Action(Conn&, Socket)> detached{};
  /// An exception left a handler, post, timer or deadline; its connection (null if none) closes
  /// with handler_failed, a datagram is dropped, all others go on. Unset: the same where a
  /// connection or a datagram is concerned, and a line on stderr tells of it, at most one a second
  /// for the whole process. What concerns none (serving, loop_started, tick, pre_write,
  /// loop_stopped, balance, a Loop's or Server's own timers, posts and watches) ends the server in
  /// order, and run() rethrows the first one; so does what `failed` itself throws.
  Callback<Action(Conn*, std::exception_ptr)> failed{};
  /// Once before each flush of a loop that has output. While it is set nothing leaves earlier:
  /// write the log, sync it once, and all replies of the batch go out (group commit).
  Callback<void(Loop&)> pre_write{};
  /// Called on loop 0, first at once, then whenever the delay it returned has passed.
  Callback<Tick(Loop&)> tick{};
  /// The last call on each loop's thread, after its last `closed`.
  Callback<void(Loop&)> loop_stopped{};
  /// What an operator may want to know of and no other handler is called for: failed accepts,
  /// refused peers, closes with an error, exceptions, limits reached, slow batches, failed
  /// look-ups. On the thread of the loop concerned (or the one that only accepts), also inside
  /// other handlers' calls: it must not call the library. What it throws is dropped. Unset it costs
  /// nothing. The first Events' is the server's.
  Callback<void(const Trace&)> trace{};
};

}}  // namespace evio::v0
