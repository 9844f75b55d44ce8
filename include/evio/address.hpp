// Network addresses as URLs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <evio/export.hpp>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace evio { inline namespace v0 {

/// One end of a connection, or a place to bind: `tcp://host:port`, `udp6://[::1]:53`,
/// `unix:///run/app.sock`. A value: copyable, comparable, hashable; safe to read from any thread.
class EVIO_API Address {
 public:
  /// How the address is reached. `tcp` and `udp` stand for either family; a trailing 4 or 6 demands
  /// one.
  enum class Scheme : std::uint8_t { tcp, tcp4, tcp6, udp, udp4, udp6, local };
  /// The bytes of an IP address in network order; IPv4 as ::ffff:a.b.c.d.
  using Ip = std::array<std::uint8_t, 16>;

  /// No address: empty host, port 0. What an unnamed unix peer has.
  Address() = default;

  /// Reads `[scheme://]host:port` or `unix://path`; the scheme is tcp when left out. The host may
  /// be empty, a name, an IPv4 address or an IPv6 address in brackets, with its zone if it needs
  /// one; port 0 is any free port. The path of a unix address is relative to the working directory
  /// unless it starts with a slash; `%3F` in it stands for a question mark, likewise any other
  /// byte; a leading `@` means Linux's abstract names, which are no files. Throws Error
  /// (invalid_argument), naming the text and the part that is wrong. A query is refused: those
  /// belong to Binding.
  ///
  /// What a server that is given the address binds: an empty host is every interface, by both
  /// families at once, or by the one that the scheme demands (where the machine has no IPv6, IPv4).
  /// `0.0.0.0` is every interface by IPv4,
  /// `[::]` by IPv6 alone. A name is looked up once, and one of its addresses is bound, an IPv4 one
  /// if it has any: `localhost` is 127.0.0.1. To serve both, give both: "tcp://127.0.0.1:80",
  /// "tcp://[::1]:80".
  ///
  /// A link-local address means something on one link only: its zone names the interface
  /// (`[fe80::1%eth0]`, looked up when it is used) or gives its number (`[fe80::1%2]`). Multicast
  /// and broadcast have no form here: bind the udp address, take its socket (Server::listener) in
  /// `serving`, and set IP_ADD_MEMBERSHIP or SO_BROADCAST on that duplicate; both name one socket.
  static Address parse(std::string_view url);

  /// An address from its raw parts: `ip` in network order, IPv4 as ::ffff:a.b.c.d, of a family that
  /// `scheme` (not `local`) allows; `scope` is a link-local IPv6 address's interface number.
  static Address from_ip(Scheme scheme, const Ip& ip, std::uint16_t port, std::uint32_t scope = 0);

  /// The address of a unix socket's file; the empty path is that of an unnamed unix peer.
  static Address from_path(std::string_view path);

  /// This address with another port.
  Address with_port(std::uint16_t port) const;

  /// The URL again: parse(to_string()) equals this address, unless it is an unnamed unix peer's,
  /// "unix://".
  std::string to_string() const;

  /// What kind of socket it names.
  Scheme scheme() const noexcept { return scheme_; }
  /// The host without brackets ("127.0.0.1", "::1", "localhost"; "" for any), or a unix socket's
  /// path.
  std::string host() const;
  /// The port in host order; 0 for unix sockets.
  std::uint16_t port() const noexcept { return port_; }

  /// Whether it names a unix socket.
  bool is_unix() const noexcept { return scheme_ == Scheme::local; }
  /// Whether it is for datagrams: udp, udp4 or udp6.
  bool is_udp() const noexcept {
    return scheme_ == Scheme::udp || scheme_ == Scheme::udp4 || scheme_ == Scheme::udp6;
  }
  /// Whether the host is a literal IP address (then ip() holds it): not a name, not a path, not
  /// empty. An address with an interface's name for its zone counts as a name: only a look-up tells
  /// the interface's number.
  bool has_ip() const noexcept { return has_ip_; }
  /// The IP address in network order, IPv4 as ::ffff:a.b.c.d; all zero without one.
  const Ip& ip() const noexcept { return ip_; }
  /// Whether its IP address is an IPv4 one.
  bool is_ip4() const noexcept;
  /// The interface number of a link-local IPv6 address; 0 without one.
  std::uint32_t scope() const noexcept { return scope_; }

  /// Whether all parts are equal; names are compared as they were written.
  friend bool operator==(const Address&, const Address&) = default;

 private:
  friend struct std::hash<Address>;
  void read_host(std::string_view url, std::string_view host);
  void read_bracketed(std::string_view url, std::string_view literal);
  void read_zone(std::string_view url, std::string_view zone);

  std::string name_;  // host name, literal with a named zone, or path; empty when has_ip_
  Ip ip_{};
  std::uint32_t scope_ = 0;
  std::uint16_t port_ = 0;
  Scheme scheme_ = Scheme::tcp;
  bool has_ip_ = false;
};

EVIO_API std::ostream& operator<<(std::ostream& out, const Address& address);

}}  // namespace evio::v0

/// For unordered containers; equal addresses hash alike.
template <>
struct EVIO_API std::hash<evio::Address> {
  /// The hash of all that `==` compares.
  std::size_t operator()(const evio::Address& address) const noexcept;
};
