// Address: a network address or a unix socket's path, written as a URL.
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

/// One end of a connection, or what a server binds, as a URL: `tcp://host:port`, `udp6://[::1]:53`,
/// `unix:///run/app.sock`. A value: copyable, comparable, hashable, readable from any thread.
///
///     const auto address = evio::Address::parse("tcp://[::1]:5000");
///     address.port();       // 5000
///     address.to_string();  // "tcp://[::1]:5000"
class EVIO_API Address {
 public:
  /// The kind of socket. `tcp` and `udp` allow IPv4 and IPv6; a trailing 4 or 6 requires that
  /// family. `local` is a unix socket, written `unix://`.
  enum class Scheme : std::uint8_t { tcp, tcp4, tcp6, udp, udp4, udp6, local };
  /// The 16 bytes of an IP address in network order; IPv4 in the IPv4-mapped form of RFC 4291,
  /// section 2.5.5.2: ten zeros, two 0xff, the address.
  using Ip = std::array<std::uint8_t, 16>;

  /// No address: empty host, port 0.
  Address() = default;

  /// Parses `[scheme://]host:port` or `unix://path`. Without a scheme it is tcp. Throws Error
  /// (std::errc::invalid_argument) that names the text and the part that is wrong. Nothing is
  /// looked up here.
  ///
  ///  - Host: empty, a name, an IPv4 address, or an IPv6 address in brackets, with a zone if it is
  ///    link-local (RFC 3986, section 3.2.2; RFC 4007, section 11).
  ///  - Port: 0 to 65535; a server that binds port 0 gets any free port.
  ///  - Path of a unix socket: relative to the working directory unless it begins with a slash.
  ///    `%3F` stands for a question mark, and any other byte may be written so too. A leading `@`
  ///    means a name in Linux's abstract namespace, which is not a file.
  ///  - A query is refused: it belongs to Binding.
  ///
  /// A server that is given the address binds this: an empty host is every interface, with IPv4 and
  /// IPv6 or with the family that the scheme requires (on a machine without IPv6, IPv4). `0.0.0.0`
  /// is every interface with IPv4 only, `[::]` with IPv6 only. A name is looked up once, and one of
  /// its addresses is bound, an IPv4 address if it has one: `localhost` is 127.0.0.1. To serve
  /// both, give both: "tcp://127.0.0.1:80", "tcp://[::1]:80".
  ///
  /// A link-local address is valid on one link only. Its zone is the name of the interface
  /// (`[fe80::1%eth0]`, looked up when the address is used) or its number (`[fe80::1%2]`). There is
  /// no form for multicast and broadcast: bind the udp address, get its socket from
  /// Server::listener in `serving`, and set IP_ADD_MEMBERSHIP or SO_BROADCAST on that duplicate;
  /// options set there apply to the server's socket, since both refer to the same one.
  static Address parse(std::string_view url);

  /// Makes an address from its parts: `ip` in network order (IPv4 as described at Ip) and of a
  /// family that `scheme` allows; `scheme` is not `local`. `scope` is the interface number of a
  /// link-local IPv6 address.
  static Address from_ip(Scheme scheme, const Ip& ip, std::uint16_t port, std::uint32_t scope = 0);

  /// Makes the address of a unix socket with that path. An unnamed unix peer has the empty path.
  static Address from_path(std::string_view path);

  /// This address with another port.
  Address with_port(std::uint16_t port) const;

  /// The address as a URL. parse(to_string()) equals this address, except for an unnamed unix peer
  /// ("unix://"), which cannot be parsed.
  std::string to_string() const;

  /// The kind of socket.
  Scheme scheme() const noexcept { return scheme_; }
  /// The host without brackets ("127.0.0.1", "::1", "localhost"; "" for any), or a unix socket's
  /// path.
  std::string host() const;
  /// The port in host order; 0 for unix sockets.
  std::uint16_t port() const noexcept { return port_; }

  /// Whether it is a unix socket's address.
  bool is_unix() const noexcept { return scheme_ == Scheme::local; }
  /// Whether it is for datagrams: udp, udp4 or udp6.
  bool is_udp() const noexcept {
    return scheme_ == Scheme::udp || scheme_ == Scheme::udp4 || scheme_ == Scheme::udp6;
  }
  /// Whether the host is a literal IP address, which ip() then returns; false for a name, a path
  /// and an empty host. An IP address whose zone is an interface name counts as a name, because
  /// only a look-up yields the interface's number.
  bool has_ip() const noexcept { return has_ip_; }
  /// The IP address in network order, IPv4 as described at Ip; all zero without one.
  const Ip& ip() const noexcept { return ip_; }
  /// Whether the IP address is an IPv4 address.
  bool is_ip4() const noexcept;
  /// The interface number of a link-local IPv6 address; 0 without one.
  std::uint32_t scope() const noexcept { return scope_; }

  /// Whether all parts are equal. Names are compared as they were written: "localhost" differs from
  /// "127.0.0.1".
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

/// Prints to_string().
EVIO_API std::ostream& operator<<(std::ostream& out, const Address& address);

}}  // namespace evio::v0

/// For unordered containers: equal addresses have equal hashes.
template <>
struct EVIO_API std::hash<evio::Address> {
  /// The hash of all that `==` compares.
  std::size_t operator()(const evio::Address& address) const noexcept;
};
