// The state that the loops of a server share: addresses, services, platform, starting and stopping.
#pragma once

#include <atomic>
#include <deque>
#include <evio/server.hpp>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "backend/platform.hpp"
#include "balance.hpp"
#include "loop.hpp"
#include "service.hpp"

namespace evio { inline namespace v0 { namespace detail {

// The private part of Server. It is made before any thread runs, and destroyed after all loops have
// ended; in between, loops and other threads may call it.
class ServerCore final : public Stoppable {
 public:
  // Binds all addresses; throws Error, and then nothing stays bound.
  ServerCore(Server& handle, std::unique_ptr<Platform> platform, Events events,
             const std::vector<Binding>& bindings);
  ~ServerCore();

  void run();
  // What run() does before and after the loops run; used by what runs the loops itself, such as the
  // simulation. start() returns the loops to be run, and none if the server has ended already.
  EVIO_API std::vector<Runner*> start();
  EVIO_API void finish();
  bool poll(Duration wait);
  NativeSocket native_handle();
  Duration next_timer();
  void stop() noexcept override;               // async-signal-safe
  EVIO_API void stop_now() noexcept override;  // async-signal-safe

  // Constant while the server runs. Any thread.
  Server& handle() const noexcept { return handle_; }
  const Events& events() const noexcept { return *main_; }
  Service& service(int address_index) const noexcept {
    return *places_[static_cast<std::size_t>(address_index)].service;
  }
  // The handlers for connections made by this Binding: its own, else the server's.
  std::shared_ptr<const Events> events_of(const Binding& binding) const {
    return binding.service() ? binding.service() : main_;
  }
  // Whether connections with this index were accepted for the server's own Events.
  bool of_first_events(int address_index) const noexcept {
    return address_index >= 0 && service(address_index).owned == main_;
  }
  // Throws std::out_of_range if there is no such address.
  void check_address_index(int index) const;
  Handle connect(const Binding& to);
  void drain(Duration deadline);
  ServerTimer run_after(Duration delay, Callback<void()> fn, Duration period = {});
  Handle datagrams(int address_index, const Address& peer);
  Socket listener(int address_index);
  std::vector<Socket> listeners(int address_index);
  std::vector<Socket> listeners(int address_index, std::size_t count);
  const Address& address(int address_index) const noexcept {
    return addresses_[static_cast<std::size_t>(address_index)];
  }
  const std::vector<Address>& addresses() const noexcept { return addresses_; }
  bool reuseport(int address_index) const noexcept {
    return places_[static_cast<std::size_t>(address_index)].reuseport;
  }
  int loops() const noexcept { return static_cast<int>(loops_.size()); }
  LoopCore& loop(int index) const noexcept { return *loops_[static_cast<std::size_t>(index)]; }
  Platform& platform() const noexcept { return *platform_; }
  Balancer& balancer() noexcept { return balancer_; }
  Stats stats() const noexcept;
  Stats stats(int loop) const;

  // Called by the loops.
  bool stop_asked() const noexcept { return stop_asked_.load(std::memory_order_relaxed); }
  bool stop_now_asked() const noexcept { return stop_now_asked_.load(std::memory_order_relaxed); }
  bool under_pressure() const noexcept { return pressure_.load(); }
  // A loop has started. The last one begins accepting on all loops.
  void loop_is_up();
  // Begin to stop all loops; called by loop 0 once it sees the flag that stop() has set.
  void broadcast_stop();
  void broadcast_stop_now();
  // A connection has closed, or could not be made: corrects the counts of its loop, service and
  // peer.
  void connection_gone(int loop, int address_index, const Address::Ip& peer);
  // A service has reached its limit by a connection that `loop` accepted. Other acceptors may
  // exceed the limit briefly, until they are notified.
  void notify_other_acceptors(const LoopCore& loop);
  // The memory that a loop holds has changed by `bytes`. Begins or ends memory pressure.
  void hold(std::ptrdiff_t bytes);
  // An exception was not handled: run() will throw it.
  void keep_exception(std::exception_ptr exception) noexcept;
  // Calls fn(address_index, socket) for the sockets that this loop serves. Each socket is passed
  // once; the loop then owns it.
  template <class Fn>
  void take_sockets(const LoopCore& loop, Fn&& fn);
  // Called before a loop closes its socket for this address: listener() must not duplicate it
  // later.
  void closing(int address_index, const LoopCore& loop) noexcept;
  // Whether that loop's socket for this address was also passed to a successor.
  bool is_passed_on(int address_index, const LoopCore& loop);
  // Called after a loop's driver has taken over its udp socket of this address.
  void opened(int address_index, NativeSocket socket) noexcept;

 private:
  struct OpenSocket {
    Bound bound;
    bool taken = false;  // its loop owns it, and will close it
    bool open = true;
    bool passed_on = false;  // a successor has it, and its file must stay
  };
  struct Place {  // one address
    Service* service = nullptr;
    bool reuseport = false;
    std::vector<OpenSocket> sockets;  // one, or one for each loop
  };

  static int loop_count(int asked, Platform& platform);
  Service& service_of(const Binding& binding);
  void bind(const Binding& binding);
  void inherit(Socket& socket, Place& place);
  void bind(Address address, Place& place);
  void retire(OpenSocket& socket) noexcept;
  void release_sockets() noexcept;
  void release() noexcept;
  void end_threadless() noexcept;
  bool wants_acceptor() const noexcept;
  int owner_of(const Place& place, std::size_t socket) const noexcept;
  template <class Fn>
  void each_loop(Fn&& fn);
  template <class Fn>
  void broadcast_to_loops(Fn fn);
  bool listens(const LoopCore& loop) const noexcept;
  void end_if_drained();
  std::size_t accepted_connections() const noexcept;
  void prepare();
  void check_foreign_loop() const;
  void run_tick();
  void everything_is_up();

  Server& handle_;
  const std::shared_ptr<const Events> main_;
  const std::unique_ptr<Platform> platform_;
  std::deque<Service> services_;
  std::vector<Place> places_;
  std::vector<Address> addresses_;
  Balancer balancer_;
  std::vector<std::unique_ptr<LoopCore>> loops_;
  // A loop that only accepts. It exists if there are several loops, so that a busy loop does not
  // delay connections that another loop could serve.
  std::unique_ptr<LoopCore> acceptor_;

  std::atomic<int> starting_{0};  // loops that have not started yet
  std::atomic<bool> stop_asked_{false};
  std::atomic<bool> stop_now_asked_{false};
  std::atomic<bool> ran_{false};
  std::atomic<bool> draining_{false};
  std::atomic<int> accepting_loops_{0};  // while draining: loops that still accept
  std::mutex sockets_mutex_;             // protects OpenSocket::open and passed_on
  bool ended_ = false;                   // used by poll() and its relatives
  std::shared_ptr<void> signals_;
  // broadcast_stop and broadcast_stop_now were called. Used by loop 0 only.
  bool stop_told_ = false;
  bool stop_now_told_ = false;
  Timer tick_;
  Duration tick_delay_ = std::chrono::seconds(1);

  // Bytes of input and output that all loops hold. In a cache line of its own, since every loop
  // writes it.
  alignas(64) std::atomic<std::size_t> held_{0};
  std::atomic<bool> pressure_{false};

  std::atomic<std::uint64_t> next_id_{1};  // for connections made by Server::connect

  std::mutex exception_mutex_;
  std::exception_ptr exception_;  // the first unhandled one; run() throws it
};

// Throws Error if nothing can connect to it.
void check_target(const Binding& binding);

// Access to a Server's private parts for code with a platform of its own: the simulation, and tests
// of the core.
struct ServerAccess {
  static Server make(std::unique_ptr<Platform> platform, Events events,
                     const std::vector<Binding>& bindings) {
    return Server(std::move(platform), std::move(events), bindings);
  }
  static ServerCore& core(Server& server) { return *server.core_; }
};

template <class Fn>
void ServerCore::take_sockets(const LoopCore& loop, Fn&& fn) {
  for (std::size_t index = 0; index < places_.size(); ++index) {
    Place& place = places_[index];
    for (std::size_t i = 0; i < place.sockets.size(); ++i)
      if (owner_of(place, i) == loop.index() && !std::exchange(place.sockets[i].taken, true))
        fn(static_cast<int>(index), place.sockets[i].bound.socket);
  }
}

}}}  // namespace evio::v0::detail
