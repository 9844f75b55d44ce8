// An address to serve, with handlers of its own if it needs them.
#pragma once

#include <evio/address.hpp>
#include <evio/export.hpp>
#include <evio/socket.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace evio { inline namespace v0 {

struct Events;

/// What `serve` takes for each address: a URL, a Socket that is bound already, or on(either,
/// Events). Copyable and cheap; a value for any thread.
///
/// The URL is an Address with an optional query, `?reuseport=true` (or 1, yes; tcp and udp only):
/// other processes may bind the address too, and each loop has a socket of its own. A `-net` suffix
/// of the scheme (`tcp-net://:80`) asks for the portable backend for the whole server. `fd://3` is
/// descriptor 3, a bound socket that the process inherited (systemd's sockets begin there): its
/// kind and address are asked of the kernel when the server is made, and from then on it is the
/// server's; one that no server takes stays open. Throws Error, naming the part that is wrong.
class EVIO_API Binding {
 public:
  /// An address as text, such as "tcp://:80"; bound with the first Events.
  Binding(std::string_view url);  // NOLINT(google-explicit-constructor)
  /// The same.
  Binding(const std::string& url)
      : Binding(std::string_view(url)) {}  // NOLINT(google-explicit-constructor)
  /// The same.
  Binding(const char* url)
      : Binding(std::string_view(url)) {}  // NOLINT(google-explicit-constructor)

  /// A socket that is bound: the server that this Binding is given to takes it over. Copies share
  /// it.
  Binding(Socket socket);  // NOLINT(google-explicit-constructor)

  /// Empty for a socket until it is served.
  const Address& address() const noexcept { return address_; }
  /// Whether the address asked for ?reuseport=true.
  bool reuseport() const noexcept { return reuseport_; }
  /// Whether the `-net` suffix asks for the portable backend.
  bool portable() const noexcept { return portable_; }
  /// The Events that on() gave it, or null: then it is served by the server's.
  const std::shared_ptr<const Events>& service() const noexcept { return service_; }
  /// The socket that was passed on, or null.
  const std::shared_ptr<Socket>& socket() const noexcept { return socket_; }

 private:
  friend Binding on(Binding address, Events&& events);

  Address address_;
  bool reuseport_ = false;
  bool portable_ = false;
  std::shared_ptr<const Events> service_;
  std::shared_ptr<Socket> socket_;
};

/// An address with handlers, limits and options of its own, such as a metrics port beside the
/// service. Nothing falls back to the server's Events. `loops`, `balance`, `backend`, `busy_poll`
/// and `handle_signals` count for nothing here; `serving`, `tick`, `pre_write`, `failed`,
/// `loop_started`, `loop_stopped` and `trace` belong to the server: setting one is an Error, and so
/// are Limits and Options that make no sense (see there). Several servers may be given the Binding:
/// each counts its own connections.
[[nodiscard]] EVIO_API Binding on(Binding address, Events&& events);

/// The sockets that systemd, or whoever speaks its protocol (LISTEN_FDS, LISTEN_PID), bound for
/// this process; none if it did not: `auto sockets = evio::listen_fds(); if (sockets.empty())
/// sockets.emplace_back("tcp://:5000");`.
[[nodiscard]] EVIO_API std::vector<Binding> listen_fds();

}}  // namespace evio::v0
