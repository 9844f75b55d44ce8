// A server, and the one call that runs one.
#pragma once

#include <evio/address.hpp>
#include <evio/binding.hpp>
#include <evio/events.hpp>
#include <evio/export.hpp>
#include <evio/handle.hpp>
#include <evio/server_timer.hpp>
#include <evio/stats.hpp>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace evio { inline namespace v0 { namespace detail {
class Platform;
class ServerCore;
struct ServerAccess;
}}}  // namespace evio::v0::detail

namespace evio { inline namespace v0 {

/// A server that you own: bind in the constructor, serve in run(). Handlers get this very object.
/// All calls but run, poll, native_handle and next_timer may be made from any thread while it
/// lives, and are harmless after run has returned.
class EVIO_API Server {
 public:
  /// Binds all addresses: each a URL, a Binding, or a std::vector<Binding>. Throws Error, and then
  /// nothing stays bound. Until run() there are only sockets, no thread and no other descriptor:
  /// the process may fork, and its children run their copies (see docs/processes.md).
  template <class... Addresses>
  explicit Server(Events&& events, Addresses&&... addresses)
      : Server(Bound{}, std::move(events), bindings(std::forward<Addresses>(addresses)...)) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Serves until shutdown; loop 0 runs on the calling thread. Throws, after an orderly shutdown,
  /// what was thrown where no connection is concerned, if `failed` is unset (see Events::failed).
  /// Once only.
  void run();

  /// Instead of run(), for a server of one loop within a loop that is not ours: handles what is
  /// ready, having waited for that at most `wait`, and begins with the first call what run() begins
  /// with. False: it has ended. Throws what run() throws. Always on the same thread, which is the
  /// loop's. Throws std::logic_error in a child that was forked after its first call.
  bool poll(Duration wait);
  /// A descriptor that is readable when poll() has something to do, for the foreign loop to watch;
  /// -1 with the backend poll: then call poll() by the clock. On poll()'s thread, also before its
  /// first call.
  int native_handle();
  /// How long the foreign loop may sleep before it calls poll() again although native_handle() is
  /// not readable. Nothing when poll() has something left to do, and before its first call. On
  /// poll()'s thread.
  Duration next_timer();

  /// What is bound, in the order of the constructor's arguments, with real ports.
  const std::vector<Address>& addresses() const noexcept;
  /// How many loops it has.
  int loops() const noexcept;
  /// 0 to loops() - 1.
  Loop& loop(int index) const noexcept;
  /// Of all loops, and of the thread that only accepts.
  Stats stats() const noexcept;
  /// Of one loop, 0 to loops() - 1; -1: of the thread that only accepts (nothing where there is
  /// none). Throws std::out_of_range for others.
  Stats stats(int loop) const;

  /// Stops in order: no more accepting and no more `data`; pending output is delivered (within
  /// Limits::drain_timeout in all), every connection gets its `closed`, then run() returns.
  /// Async-signal-safe; calling it twice is harmless.
  void shutdown() noexcept;

  /// Loop::connect on a loop that `balance` chooses. What is sent through the handle waits until it
  /// is connected. Before run() it waits for the loops; once the server is shutting down the handle
  /// is that of a dead connection, without a `closed`.
  Handle connect(const Binding& to);

  /// Stops accepting, once those that had connected by now are let in (but where listener() handed
  /// the socket on: they are the successor's), and lets the connections that were accepted go on:
  /// shutdown() when none is left, or after `deadline`. To close those that are idle, for_each.
  /// Datagrams go on until then.
  void drain(Duration deadline);

  /// A handle for datagrams to `peer` that answer none: they leave from the udp address with that
  /// index.
  Handle datagrams(int address_index, const Address& peer);

  /// A duplicate of the socket that listens at (or receives for) that address: for a successor, to
  /// which it may be passed on; an Error once it is closed. From now on the address's socket file
  /// is the successor's: it is never removed. Close-on-exec, like all; non-blocking. A udp socket
  /// tells the address that each datagram was sent to (IP_PKTINFO), else it is a plain one.
  Socket listener(int address_index);
  /// The same for every socket of the address, in the order of the loops: with ?reuseport=true each
  /// loop has one, and a successor needs them all, else what waits in those that it was not given
  /// is reset. An Error once one is closed.
  std::vector<Socket> listeners(int address_index);

  /// Runs fn on loop 0's thread, `delay` from now or later, never early and never inside a handler.
  /// Before run() it counts from when the loop starts. Dropped unrun once the server is shutting
  /// down.
  ServerTimer run_after(Duration delay, Callback<void()> fn);
  /// As Loop::run_every, on loop 0's thread.
  ServerTimer run_every(Duration period, Callback<void()> fn);

  /// Writes the bytes, which are not copied, to each open connection that was accepted for the
  /// first Events (not those of addresses with Events of their own, nor outgoing ones), as
  /// Conn::write does: posted to every loop.
  void broadcast(SharedBytes bytes);
  /// The same to those accepted at that address. Throws std::out_of_range for an index that no
  /// address has.
  void broadcast(SharedBytes bytes, int address_index);

  /// Posts fn(Conn&) for each open connection to every loop: fn is shared by their threads.
  void for_each(Callback<void(Conn&)> fn);

 private:
  friend struct detail::ServerAccess;  // makes one on a platform of its own
  friend class Simulation;

  struct Bound {};
  Server(Bound, Events&& events, const std::vector<Binding>& bindings);
  Server(std::unique_ptr<detail::Platform> platform, Events&& events,
         const std::vector<Binding>& bindings);

  template <class T>
  static std::vector<Binding> bindings_of(T&& address) {
    if constexpr (std::is_same_v<std::remove_cvref_t<T>, std::vector<Binding>>)
      return std::forward<T>(address);
    else
      return {Binding(std::forward<T>(address))};
  }
  template <class... Addresses>
  static std::vector<Binding> bindings(Addresses&&... addresses) {
    std::vector<Binding> all;
    (
        [&] {
          for (Binding& binding : bindings_of(std::forward<Addresses>(addresses)))
            all.push_back(std::move(binding));
        }(),
        ...);
    return all;
  }

  std::unique_ptr<detail::ServerCore> core_;
};

/// Binds the addresses and serves them until shutdown: `Server(std::move(events),
/// addresses...).run()`.
template <class... Addresses>
void serve(Events&& events, Addresses&&... addresses) {
  Server(std::move(events), std::forward<Addresses>(addresses)...).run();
}

}}  // namespace evio::v0
