// Server: binds addresses and serves them; serve() does both in one call.
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

/// A server that you own: the constructor binds, run() serves. Handlers get this very object.
///
///     evio::Server server(std::move(events), "tcp://:5000", "unix:///run/app.sock");
///     std::jthread stopper([&] { wait_for_order(); server.shutdown(); });
///     server.run();
///
/// Thread: run, poll, native_handle and next_timer belong to one thread, the one that serves. All
/// other functions may be called from any thread as long as the object lives; after run() has
/// returned they do no harm. Where a program needs none of them, use serve().
class EVIO_API Server {
 public:
  /// Binds all addresses: each is a URL such as "tcp://:5000", a Binding, or a
  /// std::vector<Binding>. Throws Error, naming the address, for one that cannot be bound, and for
  /// Events whose values are out of range; then nothing stays bound. Until run() the server
  /// consists of sockets, without any thread or other descriptor: the process may fork, and each
  /// child may run its copy (see docs/processes.md).
  template <class... Addresses>
  explicit Server(Events&& events, Addresses&&... addresses)
      : Server(Bound{}, std::move(events), bindings(std::forward<Addresses>(addresses)...)) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Closes what is still bound, and removes the files of unix sockets. run() must not be running.
  ~Server();

  /// Serves until shutdown; loop 0 runs on the calling thread, further loops on threads that it
  /// creates. May be called once; a second call throws std::logic_error. If Events::failed is
  /// unset, an exception that concerns no connection ends the server in order and is rethrown here.
  void run();

  /// Serves inside another event loop, instead of run(): waits at most `wait` for events, handles
  /// them, and returns. The first call does what run() does at its beginning. Returns false once
  /// the server has ended.
  ///
  ///     while (server.poll(100ms)) other_work();
  ///
  /// All calls must be made on one thread, which is then the loop's. Throws what run() throws, and
  /// std::logic_error for a server of several loops, and in a child process that was forked after
  /// the first call.
  bool poll(Duration wait);
  /// A descriptor that is readable when poll() has something to do, for the foreign loop to watch
  /// for reading only. It stays the server's. -1 with Backend::poll, which has none: then call
  /// poll() periodically. To be called on poll()'s thread, also before its first call.
  int native_handle();
  /// How long the foreign loop may sleep before it must call poll() although native_handle() is not
  /// readable. Zero if poll() has work left, before its first call, and after the end. To be called
  /// on poll()'s thread.
  Duration next_timer();

  /// The bound addresses, in the order of the constructor's arguments, with real ports where port 0
  /// was asked for. Valid as long as the server.
  const std::vector<Address>& addresses() const noexcept;
  /// The number of loops, at least 1; Events::loops = -1 is resolved here.
  int loops() const noexcept;
  /// The loop with that index, 0 to loops() - 1. Other threads may call its post, index and server
  /// only.
  Loop& loop(int index) const noexcept;
  /// The counters of all loops and of the accepting thread together. Cheap: it adds atomics, and
  /// disturbs no loop.
  Stats stats() const noexcept;
  /// The counters of one loop, 0 to loops() - 1; with -1 those of the accepting thread, all zero if
  /// there is none. Throws std::out_of_range for another index.
  Stats stats(int loop) const;

  /// Ends the server in order: accepting and `data` stop, `draining` is called for every connection
  /// for which drain() has not called it, pending output is sent, every connection gets `closed`,
  /// and run() returns. All of this takes at most Limits::drain_timeout of the first Events; a
  /// connection with output left then ends with Errc::drain_timeout.
  ///
  /// This call returns at once. It may be made in a signal handler (it is async-signal-safe), in
  /// any handler, and repeatedly. Before run() it makes run() return soon.
  void shutdown() noexcept;

  /// Begins an outgoing connection on a loop that Events::balance chooses; see Loop::connect for
  /// addresses and errors. Sends through the handle wait until the connection is open. Before run()
  /// the connect waits for the loops. Once the server is shutting down, the handle is that of a
  /// closed connection, and no `closed` is called. Throws Error for an address that nothing can
  /// connect to.
  Handle connect(const Binding& to);

  /// Ends the server without cutting connections, for a restart: stops accepting, and lets accepted
  /// connections go on until they close by themselves. shutdown() follows when none is left, or
  /// after `deadline`. Each accepted connection's `draining` is called.
  ///
  /// Connections that the kernel has completed by now are still accepted, unless listener() passed
  /// the socket on: then the successor accepts them. Datagrams are served until shutdown. To close
  /// idle connections earlier, use for_each. A second call does nothing. Returns at once.
  void drain(Duration deadline);

  /// Returns a handle that sends datagrams to `peer` from the server's udp address with that index,
  /// without having received one. Throws std::out_of_range for an unknown index, and Error if that
  /// address is not a udp address or `peer` is not an IP address with a port.
  Handle datagrams(int address_index, const Address& peer);

  /// Returns a duplicate of the socket that listens at that address (or receives for it), to pass
  /// it on to a successor process: close-on-exec, non-blocking. From then on the file of a unix
  /// socket belongs to the successor: this server never removes it. A udp socket has IP_PKTINFO
  /// set, so that each datagram reports its destination address. Throws std::out_of_range for an
  /// unknown index, and Error once the socket is closed.
  Socket listener(int address_index);
  /// Like listener(), for all sockets of the address, in the order of the loops. With
  /// ?reuseport=true each loop has one, and a successor needs them all: connections that wait in a
  /// socket that nobody serves are reset when it closes.
  std::vector<Socket> listeners(int address_index);

  /// Runs fn once on loop 0's thread, at least `delay` from now, and never inside a handler. Before
  /// run() the time counts from the start of the loop. Once the server is shutting down, fn is
  /// destroyed without being called.
  ServerTimer run_after(Duration delay, Callback<void()> fn);
  /// Runs fn every `period` (at least 1 ms) on loop 0's thread, as Loop::run_every.
  ServerTimer run_every(Duration period, Callback<void()> fn);

  /// Writes the bytes, as Conn::write does, to each open connection that was accepted for the first
  /// Events; not to those of addresses with Events of their own (on()), nor to outgoing ones. The
  /// bytes are shared, not copied for each. It is posted to every loop: the writes happen soon
  /// after the call has returned.
  void broadcast(SharedBytes bytes);
  /// Like broadcast(bytes), for the connections that were accepted at that address. Throws
  /// std::out_of_range for an index that no address has.
  void broadcast(SharedBytes bytes, int address_index);

  /// Calls fn(Conn&) for each open connection, on the connection's own loop, soon after this call
  /// has returned. All loops share one fn, and may call it at the same time.
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

/// Binds the addresses and serves them until shutdown, which a handler requests by
/// Action::shutdown, and Events::handle_signals on SIGINT and SIGTERM. The same as
/// `Server(std::move(events), addresses...).run()`.
///
///     evio::serve({.data = [](evio::Conn& c, evio::Input& in) { c.write(in.take()); }},
///                 "tcp://:5000");
template <class... Addresses>
void serve(Events&& events, Addresses&&... addresses) {
  Server(std::move(events), std::forward<Addresses>(addresses)...).run();
}

}}  // namespace evio::v0
