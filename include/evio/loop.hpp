// Loop: an event loop, which owns a thread's connections, timers and watches.
#pragma once

#include <chrono>
#include <evio/binding.hpp>
#include <evio/callback.hpp>
#include <evio/context.hpp>
#include <evio/duration.hpp>
#include <evio/export.hpp>
#include <evio/socket.hpp>
#include <evio/timer.hpp>
#include <evio/watch.hpp>

namespace evio { inline namespace v0 {

class Conn;
class Server;

/// An event loop of a Server, valid as long as the Server lives. Handlers get it from Conn::loop().
///
/// Thread: only post(), index() and server() may be called from other threads; all other functions
/// belong to the loop's own thread. Debug builds stop the program at a call from another thread.
/// Before run() the thread that prepares the server may call run_after, run_every, set_deadline,
/// connect, adopt and watch; what they begin starts with the loop.
class EVIO_API Loop {
 public:
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs fn on this loop's thread soon, never inside a handler. May be called from any thread; the
  /// calls of one thread run in order. Before run() fn waits for the loop to start. Returns false
  /// once the loop has ended; then fn is destroyed without being called. Costs an allocation, and a
  /// system call if the loop sleeps.
  ///
  ///     loop.post([&] { table.update(key); });  // `table` belongs to the loop's thread
  bool post(Callback<void()> fn);

  /// Runs fn once, at least `delay` from now, never inside a handler. Before run() the time counts
  /// from the start of the loop. The Timer may be dropped: its destruction cancels nothing.
  Timer run_after(Duration delay, Callback<void()> fn);
  /// Runs fn every `period` (at least 1 ms), the first time one period from now. The times are
  /// multiples of the period: a late call does not shift later ones, and missed calls are skipped.
  Timer run_every(Duration period, Callback<void()> fn);
  /// As run_after, for a deadline that judges a peer: fn runs only after all input that had arrived
  /// by then was handled. See Conn::set_deadline.
  Timer set_deadline(Duration delay, Callback<void()> fn);

  /// Begins to connect to a tcp, unix or udp address, and returns the connection at once. Writing
  /// to it, its context and its timers work already; the output waits until it is open.
  ///
  ///     evio::Conn* upstream = loop.connect(evio::on("tcp://db:5432", upstream_events()));
  ///
  /// `opened` is called when it is connected; if it cannot be, `closed` alone is called, with the
  /// error (an evio::Errc such as name_not_found, or the kernel's). Neither is called inside this
  /// function. Limits::connect_timeout bounds the whole attempt, including the look-up of the name.
  /// A host name is looked up on another thread, and its addresses are tried one after the other at
  /// intervals of at most 250 ms, alternating between IPv6 and IPv4, until one answers (RFC 8305,
  /// sections 4 and 5). Until `opened`, Conn::remote() is the address as given.
  ///
  /// Handlers, limits and options are those that on() gave the Binding, otherwise those of the
  /// server. Returns null once the server is shutting down. Throws Error for an address that
  /// nothing can connect to, such as one without a port. If called before run(), the calling thread
  /// counts as the loop's, and the attempt and its deadline begin with the loop.
  ///
  /// A udp address makes a connection that exchanges datagrams with that one peer:
  ///  - each write and each Handle::send sends one datagram, which may be empty, and each received
  ///    datagram gets a `data` call of its own; bytes that the handler does not take are dropped;
  ///  - it is open as soon as its socket is, since UDP has no handshake;
  ///  - output is never queued, except at most Limits::output_high bytes before it is open: close()
  ///    and abort() end it at once, and `drained` and `ended` are never called;
  ///  - datagrams that are too large, that the kernel does not accept, or that arrive while it is
  ///    paused are dropped and counted (Stats::datagrams_dropped);
  ///  - Action::detach means close, and a codec has no effect;
  ///  - if the peer's host reports that nothing receives at the port (ICMP, RFC 1122, section
  ///    4.1.3.3), it closes with std::errc::connection_refused. To go on regardless, connect again
  ///    (see Reconnecting).
  Conn* connect(const Binding& to);
  /// Takes over a connected stream socket, for example one that another process passed on, and
  /// serves it as if it had been accepted at the address `as`, which gives the peer's address and
  /// the handlers. `opened` is called with the next batch of events, then `data` with the bytes
  /// that the Socket has buffered(). Returns null once the server is shutting down; the socket is
  /// closed then. Throws Error for an empty Socket and for what is not a connected stream socket (a
  /// pipe, a listening socket, a datagram socket); the socket stays yours then.
  Conn* adopt(Socket&& socket, const Binding& as);

  /// Calls fn whenever `descriptor` is ready for `interest`, with what it is ready for; an error or
  /// a hang-up counts as ready for everything that is watched. It is level-triggered: fn is called
  /// again until it has read or written. Use it for descriptors of other libraries.
  ///
  ///     auto watch = loop.watch(fd, evio::Interest::read, [&] { library.process(); });
  ///
  /// The descriptor stays yours; cancel the watch before you close it, since the kernel could give
  /// its number to another file. Dropping the Watch cancels nothing, see ScopedWatch. Throws Error
  /// for what cannot be watched, such as a regular file, for an empty fn, and with epoll for a
  /// descriptor that is watched already.
  Watch watch(int descriptor, Interest interest, Callback<void(Interest)> fn);

  /// Calls fn for each open connection of this loop, before it returns. fn may write to or close
  /// any of them. Server::for_each does it for all loops.
  void for_each(const Callback<void(Conn&)>& fn);

  /// The loop's number, 0 to Server::loops() - 1.
  int index() const noexcept;
  /// The time at which the current batch of events began. It is the same for all handlers of the
  /// batch, and costs no system call. In a simulation it is the virtual time.
  std::chrono::steady_clock::time_point now() const noexcept;
  /// The time since `then`, a value of now(), for judging a peer. Unlike now() - then it is fair to
  /// the peer: an event of a batch that took long counts from the end of that batch, because the
  /// peer could not learn of it earlier. Inside a callable of set_deadline it counts up to the time
  /// until which all arrived input was handled.
  Duration elapsed_since(std::chrono::steady_clock::time_point then) const noexcept;
  /// The server that the loop is part of.
  Server& server() const noexcept;

  /// Returns the value that emplace_context<T> made, or null if there is none or it has another
  /// type.
  template <class T>
  T* context() noexcept {
    return user_context().get<T>();
  }
  /// Constructs a T that lives until `loop_stopped` of this loop has returned, and is destroyed on
  /// the loop's thread; it replaces the previous value. Use it for state that the handlers of one
  /// loop share, which then needs no lock:
  ///
  ///     .loop_started = [](evio::Loop& loop) { loop.emplace_context<Cache>(); }
  template <class T, class... Args>
  T& emplace_context(Args&&... args) {
    return user_context().emplace<T>(std::forward<Args>(args)...);
  }

 protected:
  Loop() = default;
  ~Loop() = default;

 private:
  Context& user_context() noexcept;
};

}}  // namespace evio::v0
