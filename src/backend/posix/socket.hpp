// The kernel's sockets: binding, connecting, options, and addresses as sockaddr.
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

/// The result of bind_socket. The caller must close the descriptor.
struct BoundSocket {
  int fd = -1;
  Address address;   ///< as requested, with the actual port; a name is replaced by its address
  dev_t device = 0;  ///< of the unix socket's file, for remove_socket_file; 0 for others
  ino_t inode = 0;
};

/// Makes a socket that is bound to `address`, non-blocking and close-on-exec. A stream socket
/// listens; a datagram socket reports the destination of each datagram. The options are set;
/// no_delay is on by default. Accepted TCP connections inherit them except quick_ack; unix ones
/// inherit none. `reuseport` lets other sockets bind the same address. It may resolve a name, which
/// blocks. Throws Error with the address; then nothing stays open or bound.
///
/// For a unix address, a socket file that no server uses is replaced; any other file is an Error.
BoundSocket bind_socket(const Address& address, bool reuseport, int backlog,
                        const Options& options);

/// As bind_socket, for a socket that another process has bound. It is made to listen if it does
/// not. Throws Error if it is not a bound socket of a supported kind.
BoundSocket inherit_socket(Socket socket, int backlog, const Options& options);

/// Throws Error with the reason unless it is a stream socket that is connected, or was connected.
void check_connected(int fd);

/// Makes another descriptor of the socket, close-on-exec. Throws Error.
Socket duplicate_socket(int fd);

/// Removes the file that bind_socket made, unless it was replaced. It must be called before the
/// descriptor is closed: until then no other server takes the file for a stale one, and no other
/// file can get its inode number.
void remove_socket_file(const Address& address, dev_t device, ino_t inode) noexcept;

/// As remove_socket_file, after the descriptor was closed. Does nothing if another process has a
/// copy of the socket, made by a fork.
void remove_unserved_file(const Address& address, dev_t device, ino_t inode) noexcept;

/// A socket that is connecting to `to`, an IP address or a path. It is non-blocking and
/// close-on-exec, and becomes writable when it is connected or has failed. If it failed at once, fd
/// is -1.
struct ConnectingSocket {
  int fd = -1;
  std::error_code error{};
};
ConnectingSocket connect_socket(const Address& to, const Options& options) noexcept;

/// Resolves the name of an address. The result is in the order in which to try (RFC 6724). Blocks.
std::vector<Address> look_up_all(const Address& name, std::error_code& error);

/// Sets those of the options that concern the kernel. Without `is_tcp` it skips the options of TCP.
/// It tries all, and returns the first error.
std::error_code apply(int fd, const Options& options, bool is_tcp) noexcept;

/// Converts a sockaddr. `hint` is the scheme of the result (tcp or udp), unless it is a unix
/// address. An IPv4-mapped IPv6 address becomes an IPv4 address. An abstract unix name begins with
/// '@'; an unnamed unix socket has an empty path.
Address from_sockaddr(const sockaddr* address, socklen_t size, Address::Scheme hint);

/// Converts to a sockaddr for a socket of the family AF_INET, or AF_INET6 (then IPv4 addresses are
/// mapped). An empty host is the wildcard address. False if that is not possible: for a name, a
/// path, or an IPv6 address with AF_INET.
bool to_sockaddr(const Address& address, sockaddr_storage& to, socklen_t& size,
                 int family) noexcept;

/// The local address of a socket; Address() if the kernel reports an error.
Address local_address(int fd, Address::Scheme hint);

}}}  // namespace evio::v0::detail
