// Sockets of the kernel: addresses in its own form, binding, options. The only place that
// knows errno.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <evio/address.hpp>
#include <evio/options.hpp>
#include <evio/socket.hpp>
#include <string_view>
#include <system_error>
#include <vector>

namespace evio { inline namespace v0 { namespace detail {

/// What bind_socket made. The descriptor is the caller's to close.
struct BoundSocket {
  int fd = -1;
  Address address;   ///< as asked for, with the real port; a name is replaced by the address it
                     ///< stands for
  dev_t device = 0;  ///< of the unix socket's file, for remove_socket_file; 0 for others
  ino_t inode = 0;
};

/// A socket bound to `address`, non-blocking and close-on-exec: listening if it is for streams,
/// telling each datagram's destination if it is for datagrams. Its options are set already,
/// no_delay unless it is off, and accepted TCP connections inherit them all but quick_ack; unix
/// ones inherit none. `reuseport` lets others bind the address too. May look a name up, which
/// blocks. Throws Error naming the address; nothing stays open or bound then.
///
/// For a unix address, a socket file that nobody serves is replaced. Everything else that stands
/// there stays.
BoundSocket bind_socket(const Address& address, bool reuseport, int backlog,
                        const Options& options);

/// The same of a socket that is bound already, by whoever passed it on; its kind is asked of the
/// kernel. It is made to listen if it does not. Throws Error if it is no such socket.
BoundSocket inherit_socket(Socket socket, int backlog, const Options& options);

/// Throws Error, which says what is wrong, unless it is a stream socket that is connected, or was.
void check_connected(int fd);

/// Another descriptor of it, close-on-exec. Throws Error.
Socket duplicate_socket(int fd);

/// Removes the file that bind_socket made, if it is still the one standing there. To be called
/// before its descriptor is closed: until then nobody takes the file for a stale one, and no other
/// file can get its inode number.
void remove_socket_file(const Address& address, dev_t device, ino_t inode) noexcept;

/// The same once the descriptor is closed, unless another process has the socket: a fork made
/// copies of it.
void remove_unserved_file(const Address& address, dev_t device, ino_t inode) noexcept;

/// A socket on its way to `to`, which has an IP or a path: non-blocking and close-on-exec, with its
/// options; it is writable once it is connected or failed. The error instead if it failed at once.
struct ConnectingSocket {
  int fd = -1;
  std::error_code error{};
};
ConnectingSocket connect_socket(const Address& to, const Options& options) noexcept;

/// What the name of a tcp address stands for, in the order in which to try (RFC 6724). Blocks.
std::vector<Address> look_up_all(const Address& name, std::error_code& error);

/// Sets what is set in `options` and is the kernel's; `is_tcp`: otherwise what concerns only TCP is
/// left out. The first error, but it tries them all.
std::error_code apply(int fd, const Options& options, bool is_tcp) noexcept;

/// The address in evio's form. `hint` is the scheme it gets, a tcp or udp one, unless it is a unix
/// address. An IPv4 address mapped into IPv6 becomes plain IPv4, an abstract unix name starts with
/// '@', an unnamed unix socket has the empty path.
Address from_sockaddr(const sockaddr* address, socklen_t size, Address::Scheme hint);

/// The kernel's form, for a socket of that family (AF_INET or AF_INET6: there IPv4 is mapped). No
/// host is the wildcard. False for what has no such form: a name, a path, an IPv6 address for
/// AF_INET.
bool to_sockaddr(const Address& address, sockaddr_storage& to, socklen_t& size,
                 int family) noexcept;

/// The address of the socket itself; Address() if the kernel does not tell.
Address local_address(int fd, Address::Scheme hint);

}}}  // namespace evio::v0::detail
