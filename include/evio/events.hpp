// Events: the handlers and settings of a service.
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

/// The handlers and settings of a service: a server's, or by on() those of one of its addresses.
///
///     evio::Events echo{
///         .options = {.idle_timeout = 60s},
///         .data = [](evio::Conn& c, evio::Input& in) { c.write(in.take()); },
///     };
///     evio::serve(std::move(echo), "tcp://:5000");
///
/// Use designated initializers: fields may be added in later versions, and are never reordered. The
/// struct is move-only: pass it on with std::move.
///
/// Threads: each handler runs on the thread of the loop that owns the connection. Two handlers of
/// one connection never run at once, and no handler runs inside another. With more than one loop
/// the captures of a handler are shared by several threads; state of one loop belongs in
/// Loop::context. A handler must not block: it would delay every connection of its loop.
///
/// Signatures: a handler that returns Action may return void instead (Action::none), and may leave
/// out its last parameters, or all of them.
///
/// Every field has a default; an unset handler has the effect that its comment states.
struct Events {
  /// How many event loops the server has.
  ///  - 0 or 1: one, on the thread that calls run().
  ///  - N: the caller's thread runs loop 0, threads "evio-1" to "evio-<N-1>" run the others, and
  ///    connections are accepted on a thread of their own, so that a busy loop delays only the
  ///    connections that it owns.
  ///  - -1: one for each processor that this process may use, by its affinity and by the quota of
  ///    its control group (cpu.max).
  ///
  /// Other values, and more than 4096, throw Error. Raise it when one processor is busy.
  int loops = 1;
  /// Which loop gets a new connection, see evio/balance.hpp.
  Balance balance = LoadBalance::round_robin;
  /// The kernel interface to use; automatic takes the best one that this machine has.
  Backend backend = Backend::automatic;
  /// After a batch with work, poll for more events at most this long before sleeping; 0: never.
  /// This saves the time of a wake-up (some microseconds), and costs processor time. An Error if
  /// negative.
  Duration busy_poll{};
  /// Bounds of memory and time, see evio/options.hpp.
  Limits limits{};
  /// Socket options and the idle timeout of every connection of this service.
  Options options{};
  /// Cuts streams into messages: each call of `data` gets one whole message, and each write sends
  /// one. Unset: bytes as they arrive. See evio/codecs.hpp for those that come with the library.
  Codec codec{};
  /// If true, SIGINT and SIGTERM call Server::shutdown, and a second one ends the server without
  /// waiting for output to drain. The signals' former dispositions are restored when the server has
  /// ended. Only one server of a process may set it; a second one gets an Error.
  bool handle_signals = false;

  /// All addresses are bound and nothing is accepted yet. Server::addresses() has the real ports
  /// now, for an address with port 0. Runs once, on the thread that calls run().
  Callback<Action(Server&)> serving{};
  /// The first call on each loop's thread, for example to create what Loop::context holds.
  Callback<void(Loop&)> loop_started{};
  /// A connection was accepted, adopted or connected. It is the first call for that connection,
  /// unless an outgoing one failed: then `closed` is the only one.
  Callback<Action(Conn&)> opened{};
  /// Data arrived (stream bytes, one datagram, or with a codec one message), Handle::wake was
  /// called, or reading resumed; in the last two cases the Input may hold nothing new. Bytes of a
  /// stream that the handler does not take from Input are passed again next time, followed by newer
  /// ones; more than Limits::input_max of them close the connection. With a codec, or a datagram,
  /// what is not taken is dropped. Unset: input is dropped.
  Callback<Action(Conn&, Input&)> data{};
  /// The pending output has fallen below Limits::output_low after it had exceeded output_high: a
  /// producer that stopped at WriteResult::congested() goes on here.
  Callback<Action(Conn&)> drained{};
  /// The peer has ended its direction (FIN) and will send no more. Input that `data` has not taken
  /// is passed for the last time. The connection stays open for writing until you close it. Unset:
  /// it is closed after all output was sent.
  Callback<Action(Conn&, Input&)> ended{};
  /// The server is about to end. Called at most once for each open connection: for accepted ones by
  /// Server::drain, for outgoing and adopted ones by shutdown, and for all by shutdown if nothing
  /// was drained before. A protocol completes what is in progress and sends its closing message
  /// (such as a WebSocket close frame); an idle connection (Conn::idle_for) may be closed. After
  /// drain the connection goes on until it closes; after shutdown it is closed as soon as this
  /// returns, with all written output sent. Unset: nothing happens.
  Callback<Action(Conn&)> draining{};
  /// The last call of a connection, exactly once for each that was opened and not detached, and for
  /// an outgoing one that could not be connected. The error is empty after an orderly end by the
  /// peer, your own close or abort, and shutdown; otherwise it says what went wrong: an evio::Errc
  /// from the library, or a std::errc from the kernel. Writes in here are dropped. The connection's
  /// context is destroyed after it.
  Callback<Action(Conn&, std::error_code)> closed{};
  /// The last call of a connection for which a handler returned Action::detach, once its output was
  /// sent. You own the socket now; input that was not taken is in Socket::buffered(). Unset: detach
  /// means close.
  Callback<Action(Conn&, Socket)> detached{};
  /// An exception left a handler, a post, a timer or a deadline. The first argument is the
  /// connection, or null if none is concerned. A connection closes with Errc::handler_failed and
  /// the datagram is dropped; all other connections go on.
  ///
  /// Unset: an exception that concerns a connection or a datagram has the same effect, and writes a
  /// line to stderr, at most one a second for the whole process. An exception that concerns none
  /// (from serving, loop_started, tick, pre_write, loop_stopped, a balance function, or a Loop's or
  /// Server's own timers, posts and watches) ends the server in order, and run() rethrows the first
  /// of them. An exception that leaves `failed` itself ends the server in the same way.
  Callback<Action(Conn*, std::exception_ptr)> failed{};
  /// Called once before each flush of a loop that has output. While it is set, no output leaves
  /// before this call: write the replies of a batch, sync the log once in here, and then all of
  /// them are sent (group commit).
  Callback<void(Loop&)> pre_write{};
  /// Called on loop 0: first before the server accepts, then each time the delay that it returned
  /// has passed.
  Callback<Tick(Loop&)> tick{};
  /// The last call on each loop's thread, after the last `closed` of that loop.
  Callback<void(Loop&)> loop_stopped{};
  /// Reports what an operator may want to know and no other handler reports: failed accepts,
  /// refused peers, connections that ended with an error, exceptions, limits that were reached,
  /// slow batches, failed look-ups. Called on the thread of the loop concerned (or on the accepting
  /// thread), also in the middle of the library's work: it must not call the library. An exception
  /// that leaves it is dropped. It costs nothing if unset. Only the first Events' `trace` is used;
  /// it serves the whole server.
  Callback<void(const Trace&)> trace{};
};

}}  // namespace evio::v0
