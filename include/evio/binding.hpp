// Binding: an address to serve or to connect to, optionally with Events of its own.
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

/// What a Server takes for each address: a URL, a Socket that is bound already, or on() of either
/// with Events of its own. A value: copyable, cheap, for any thread.
///
///     evio::serve(std::move(events), "tcp://:80?reuseport=true",
///                 evio::on("tcp://127.0.0.1:8080", admin_events()));
///
/// The URL is one of:
///  - an Address with an optional query `?reuseport=true` (or 1, or yes; tcp and udp only): other
///    processes may bind the address too, and each loop has a socket of its own, which the kernel
///    balances (SO_REUSEPORT);
///  - an Address with a `-net` suffix of the scheme (`tcp-net://:80`): the whole server uses the
///    portable backend, Backend::poll;
///  - `fd://3`: descriptor 3, a bound socket that the process has inherited (3 is the first one of
///    systemd). Its kind and address are read when a server is made, which owns it from then on; if
///    no server takes it, it stays open.
///
/// Throws Error, naming the part that is wrong.
class EVIO_API Binding {
 public:
  /// An address as text, such as "tcp://:80", to be served with the server's Events.
  Binding(std::string_view url);  // NOLINT(google-explicit-constructor)
  /// As Binding(std::string_view).
  Binding(const std::string& url)
      : Binding(std::string_view(url)) {}  // NOLINT(google-explicit-constructor)
  /// As Binding(std::string_view).
  Binding(const char* url)
      : Binding(std::string_view(url)) {}  // NOLINT(google-explicit-constructor)

  /// A socket that is bound already. The first server that is made with this Binding takes it over;
  /// copies of the Binding share it, so a second server throws Error.
  Binding(Socket socket);  // NOLINT(google-explicit-constructor)

  /// The address; empty for a socket.
  const Address& address() const noexcept { return address_; }
  /// Whether the URL had ?reuseport=true.
  bool reuseport() const noexcept { return reuseport_; }
  /// Whether the URL had the `-net` suffix, which requests the portable backend.
  bool portable() const noexcept { return portable_; }
  /// The Events that on() gave it; null if it is served with the server's.
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

/// Gives an address handlers, limits and options of its own, such as a metrics port beside the
/// service, or an outgoing connection. Nothing is inherited from the server's Events.
///
/// What concerns the whole server cannot be set here: `loops`, `balance`, `backend`, `busy_poll`,
/// `handle_signals`, `serving`, `tick`, `pre_write`, `failed`, `loop_started`, `loop_stopped` and
/// `trace`. Throws Error if one of them is set, and for Limits and Options that are out of range.
/// Several servers may be given the same Binding; each counts its own connections.
[[nodiscard]] EVIO_API Binding on(Binding address, Events&& events);

/// The sockets that systemd, or another program with its protocol (LISTEN_FDS and LISTEN_PID, see
/// sd_listen_fds(3)), has bound for this process; empty if there are none:
///
///     auto sockets = evio::listen_fds();
///     if (sockets.empty()) sockets.emplace_back("tcp://:5000");
///     evio::serve(std::move(events), sockets);
[[nodiscard]] EVIO_API std::vector<Binding> listen_fds();

}}  // namespace evio::v0
