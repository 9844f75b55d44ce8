// One event loop: a thread and what it owns.
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

/// An event loop of a Server, valid as long as the Server lives. All calls but post are for its own
/// thread.
class EVIO_API Loop {
 public:
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs fn on this loop's thread, soon, never inside a handler. Any thread. What one thread posts
  /// runs in order. False once the loop has ended: fn is destroyed unrun. Before run() it waits for
  /// the loop to start.
  bool post(Callback<void()> fn);

  /// Runs fn once, `delay` from now or later, never early; on this loop's thread, never inside a
  /// handler. Also before run(), as for connect.
  Timer run_after(Duration delay, Callback<void()> fn);
  /// Runs fn every `period` (at least 1 ms), first one period from now. Late calls do not shift
  /// later ones; missed ones are skipped.
  Timer run_every(Duration period, Callback<void()> fn);
  /// As run_after, for a deadline that judges a peer: see Conn::set_deadline.
  Timer set_deadline(Duration delay, Callback<void()> fn);

  /// Begins to connect to `to`, a tcp, unix or udp address, and returns the connection at once:
  /// writing to it, its context and its timers work already. `opened` comes when it is connected,
  /// else `closed` alone, with the error (see Errc; Limits::connect_timeout is the deadline,
  /// look-up included); neither inside this call. A host name is looked up off the loops, and its
  /// addresses are tried side by side (RFC 8305). The handlers, limits and options are those that
  /// on() gave the Binding, else the server's. Null once the server is shutting down. Throws Error
  /// for an address that nothing can connect to, such as one without a port. Until `opened`,
  /// remote() is the address as given. Also before run(): then the thread that calls it is taken
  /// for the loop's, and it begins with the loop, its deadline too.
  ///
  /// A udp address makes a connection like any other that exchanges datagrams with that peer alone:
  /// each write and each Handle::send is one, also an empty one, and each comes with a `data` of
  /// its own; what that leaves untaken is dropped. It is open as soon as there is a socket: nobody
  /// was asked. Nothing is queued but what is written before (Limits::output_high at most): close()
  /// and abort() end it at once, and `drained` and `ended` never come. Dropped and counted are
  /// datagrams that are too large, that the kernel does not take, and that come while it is paused.
  /// Action::detach means close, and a codec counts for nothing. When the peer's host answers that
  /// nobody receives there, it closes with std::errc::connection_refused; connect again (see
  /// Reconnecting) to go on regardless.
  Conn* connect(const Binding& to);
  /// Takes over a connected stream socket, as if it were accepted at `as`, which names its peer and
  /// its handlers. `opened` comes with the next batch, and then what `socket` has buffered(). Null
  /// once the server is shutting down: the socket is closed. Throws Error for what is no connected
  /// stream socket (an empty Socket, a pipe, a listener, a datagram socket): it stays yours.
  Conn* adopt(Socket&& socket, const Binding& as);

  /// Calls fn whenever `descriptor` is ready for `interest`, with what it is ready for; an error or
  /// hang-up counts as ready for all that is watched for. Level-triggered: fn runs again until it
  /// has read or written. The descriptor stays yours: cancel the watch before you close it. Also
  /// before run(): then it begins with the loop. Throws Error for what cannot be watched, such as a
  /// regular file, on epoll for what is watched already, and for an empty fn.
  Watch watch(int descriptor, Interest interest, Callback<void(Interest)> fn);

  /// Calls fn for each open connection of this loop, at once. fn may close or write to any of them.
  void for_each(const Callback<void(Conn&)>& fn);

  /// 0 to Server::loops() - 1.
  int index() const noexcept;
  /// The time at which the running batch of events began: cheap, and the same throughout a handler.
  std::chrono::steady_clock::time_point now() const noexcept;
  /// How long ago `then` was, which now() has given, to judge a peer by: what happened in a batch
  /// of events that took long counts from the batch's end, when the peer could have heard of it at
  /// the latest. Within what set_deadline runs it counts to when the last look at all that had
  /// arrived began.
  Duration elapsed_since(std::chrono::steady_clock::time_point then) const noexcept;
  /// The server that it is a part of.
  Server& server() const noexcept;

  /// What emplace_context<T> made, or null when there is none or it is of another type.
  template <class T>
  T* context() noexcept {
    return user_context().get<T>();
  }
  /// Makes a T that lives until this loop's `loop_stopped` has returned, and dies on the loop's
  /// thread.
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
