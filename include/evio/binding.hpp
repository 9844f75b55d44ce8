// Public. An address to serve, with handlers of its own if it needs them.
#pragma once

#include <evio/address.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace evio::inline v1 {

struct Events;
struct Service;

/// What `serve` takes for each address: a URL, or on(url, Events). Copyable and cheap; a value for any thread.
///
/// The URL is an Address with an optional query, `?reuseport=true` (or 1, yes; tcp and udp only): other processes may
/// bind the address too, and each loop has a socket of its own. A `-net` suffix of the scheme (`tcp-net://:80`) asks
/// for the portable backend for the whole server. Throws Error, naming the part that is wrong.
class Binding {
 public:
  Binding(std::string_view url);                                       // NOLINT(google-explicit-constructor)
  Binding(const std::string& url) : Binding(std::string_view(url)) {}  // NOLINT(google-explicit-constructor)
  Binding(const char* url) : Binding(std::string_view(url)) {}         // NOLINT(google-explicit-constructor)

  const Address& address() const noexcept { return address_; }
  bool reuseport() const noexcept { return reuseport_; }
  /// Whether the `-net` suffix asks for the portable backend.
  bool portable() const noexcept { return portable_; }
  /// Its own service, or null: then it is served by the server's Events.
  const std::shared_ptr<Service>& service() const noexcept { return service_; }

 private:
  friend Binding on(std::string_view url, Events events);

  Address address_;
  bool reuseport_ = false;
  bool portable_ = false;
  std::shared_ptr<Service> service_;
};

/// An address with handlers, limits and options of its own, such as a metrics port beside the service. Nothing falls
/// back to the server's Events. `loops`, `balance`, `backend`, `busy_poll` and `handle_signals` count for nothing here;
/// `serving`, `tick`, `pre_write`, `failed`, `loop_started` and `loop_stopped` belong to the server: setting one is an
/// Error.
Binding on(std::string_view url, Events events);

}  // namespace evio::inline v1
