// Binding, connecting and configuring sockets.
#include "backend/posix/socket.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <evio/error.hpp>
#include <evio/socket.hpp>
#include <memory>
#include <optional>
#include <string>

#include "backend/posix/io.hpp"

namespace evio { inline namespace v0 { namespace detail {
namespace {

using Scheme = Address::Scheme;
using FileStatus = struct stat;  // the type, not the function of the same name

std::error_code last_error() { return {errno, std::generic_category()}; }

[[noreturn]] void refuse(std::error_code code, const Address& address, const std::string& problem) {
  throw Error(code, address.to_string(), problem);
}

std::error_code set(int fd, int level, int name, int value) noexcept {
  return setsockopt(fd, level, name, &value, sizeof value) == 0 ? std::error_code() : last_error();
}

// The kernel expects an int. Larger values are reduced to the maximum.
int as_int(std::size_t value) { return static_cast<int>(std::min<std::size_t>(value, INT_MAX)); }

// Rounded up. Values out of range stay out of range, so that the kernel rejects them.
int as_seconds(Duration time) noexcept {
  auto seconds = std::chrono::ceil<std::chrono::seconds>(time).count();
  return static_cast<int>(std::clamp<decltype(seconds)>(seconds, -1, INT_MAX));
}

// If only keep_alive is set, the interval and the number of probes are chosen to match. With the
// system's defaults, nine probes at 75 seconds, a lost peer would be detected far too late.
std::error_code set_keep_alive(int fd, const Options& options) noexcept {
  const bool off = options.keep_alive == Duration::zero();
  if (off) return set(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
  auto interval = options.keep_alive_interval;
  auto count = options.keep_alive_count;
  if (options.keep_alive) {
    if (!interval) interval = std::max<Duration>(*options.keep_alive / 10, std::chrono::seconds(1));
    if (!count) count = 3;
    if (auto error = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, as_seconds(*options.keep_alive)))
      return error;
  }
  if (interval) {
    if (auto error = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, as_seconds(*interval))) return error;
  }
  if (count) {
    if (auto error = set(fd, IPPROTO_TCP, TCP_KEEPCNT, *count)) return error;
  }
  return options.keep_alive ? set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) : std::error_code();
}

int type_of(const Address& address) { return address.is_udp() ? SOCK_DGRAM : SOCK_STREAM; }

Socket open_socket(const Address& address, int family) {
  Socket socket(::socket(family, type_of(address) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() >= 0) return socket;
  bool full = errno == EMFILE || errno == ENFILE;
  refuse(last_error(), address,
         full ? "cannot open another socket; raise ulimit -n" : "cannot open a socket");
}

void set_options(const Address& address, int fd, Options options) {
  bool is_tcp = !address.is_unix() && !address.is_udp();
  if (!options.no_delay) options.no_delay = true;
  if (auto error = apply(fd, options, is_tcp))
    refuse(error, address, "the kernel rejects a value of Options");
}

// ---- IP ----

// An address to bind to, as a sockaddr.
struct Endpoint {
  sockaddr_storage where{};
  socklen_t size = 0;
  int family() const { return where.ss_family; }
};

bool has_ip6() {
  Socket probe(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return probe.fd() >= 0 || errno != EAFNOSUPPORT;
}

// AF_UNSPEC if the scheme allows both families.
int family_of(Scheme scheme) {
  if (scheme == Scheme::tcp4 || scheme == Scheme::udp4) return AF_INET;
  if (scheme == Scheme::tcp6 || scheme == Scheme::udp6) return AF_INET6;
  return AF_UNSPEC;
}

// The error of a failed getaddrinfo. If descriptors or memory have run out, the C library may
// report that the name does not exist; errno then shows the actual reason.
std::error_code lookup_error(int result, int error) {
  const bool short_of = error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
  if (result == EAI_SYSTEM || short_of) return {error, std::generic_category()};
  if (result == EAI_AGAIN) return std::make_error_code(std::errc::resource_unavailable_try_again);
  if (result == EAI_MEMORY) return std::make_error_code(std::errc::not_enough_memory);
  return std::make_error_code(std::errc::invalid_argument);
}

using Found = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

struct LookUpFailure {
  int result = 0;  // of getaddrinfo
  std::error_code error;
};

// Calls getaddrinfo. Returns null and sets `failure` if it fails.
Found ask_for(const Address& address, LookUpFailure& failure) {
  addrinfo hints{};
  hints.ai_family = family_of(address.scheme());
  hints.ai_socktype = type_of(address);
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const std::string port = std::to_string(address.port());
  errno = 0;
  failure.result = getaddrinfo(address.host().c_str(), port.c_str(), &hints, &first);
  if (failure.result != 0) failure.error = lookup_error(failure.result, errno);
  return {failure.result == 0 ? first : nullptr, freeaddrinfo};
}

// One of the name's addresses. IPv4 is preferred, since a machine without IPv6 cannot bind to the
// other.
Endpoint look_up(const Address& address) {
  LookUpFailure failure;
  const Found found = ask_for(address, failure);
  if (failure.error)
    refuse(failure.error, address,
           "host '" + address.host() + "' was not found: " + gai_strerror(failure.result));
  const addrinfo* chosen = found.get();
  while (chosen && chosen->ai_family != AF_INET) chosen = chosen->ai_next;
  if (!chosen) chosen = found.get();

  Endpoint endpoint;
  std::memcpy(&endpoint.where, chosen->ai_addr, chosen->ai_addrlen);
  endpoint.size = chosen->ai_addrlen;
  return endpoint;
}

Endpoint endpoint_of(const Address& address) {
  Endpoint endpoint;
  int family = family_of(address.scheme());
  if (address.has_ip()) {
    family = address.is_ip4() ? AF_INET : AF_INET6;
  } else if (!address.host().empty()) {
    return look_up(address);
  } else if (family == AF_UNSPEC) {
    family = has_ip6() ? AF_INET6 : AF_INET;
  }
  to_sockaddr(address, endpoint.where, endpoint.size, family);
  return endpoint;
}

// Whether one socket serves both families: if neither the scheme nor the host determines one.
bool wants_both(const Address& address) {
  return family_of(address.scheme()) == AF_UNSPEC && address.host().empty();
}

// Requests the destination address with each datagram. On a machine with several addresses, the
// reply must come from that one.
std::error_code report_destination(int fd, int family) {
  if (family == AF_INET6) {
    if (auto error = set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)) return error;
  }
  return set(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

std::error_code prepare(const Address& address, int fd, int family, bool reuseport) {
  if (reuseport) {
    if (auto error = set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return error;
  }
  if (family == AF_INET6) {
    if (auto error = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !wants_both(address))) return error;
  }
  // SO_REUSEADDR: connections in TIME_WAIT must not prevent a restarted server from binding its
  // port. For udp the option would let two servers share a port by mistake.
  return address.is_udp() ? report_destination(fd, family) : set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

std::string why_not_bound(const Address& address, const std::error_code& error) {
  if (error == std::errc::address_in_use && address.port() == 0) {
    return "no port is free (see net.ipv4.ip_local_port_range); use another of the machine's "
           "addresses, or close sockets";
  }
  if (error == std::errc::address_in_use) {
    return "another socket is bound there; choose another port, or let both share it with "
           "?reuseport=true";
  }
  if (error == std::errc::permission_denied) return "not permitted; try a port above 1023";
  if (error == std::errc::address_not_available)
    return "'" + address.host() + "' is not an address of this machine";
  if (error == std::errc::invalid_argument)
    return "cannot bind; a link-local address needs a zone: [fe80::1%eth0]";
  return "cannot bind";
}

Address bound_address(const Address& asked, int fd) {
  Address bound = local_address(fd, asked.scheme());
  return asked.host().empty() ? asked.with_port(bound.port()) : bound;
}

BoundSocket bind_ip(const Address& address, bool reuseport, int backlog, const Options& options) {
  Endpoint endpoint = endpoint_of(address);
  Socket socket = open_socket(address, endpoint.family());
  if (auto error = prepare(address, socket.fd(), endpoint.family(), reuseport)) {
    refuse(error, address, "cannot prepare the socket");
  }
  set_options(address, socket.fd(), options);
  // With SO_REUSEADDR it may be listen(2), not bind(2), that reports a port in use.
  if (bind(socket.fd(), reinterpret_cast<const sockaddr*>(&endpoint.where), endpoint.size) != 0 ||
      (!address.is_udp() && listen(socket.fd(), backlog) != 0)) {
    auto error = last_error();
    refuse(error, address, why_not_bound(address, error));
  }
  BoundSocket bound;
  bound.address = bound_address(address, socket.fd());
  bound.fd = socket.release();
  return bound;
}

// ---- unix ----

bool is_abstract(const Address& address) { return address.host().starts_with('@'); }

struct UnixEndpoint {
  sockaddr_un where{};
  socklen_t size = 0;
};

UnixEndpoint unix_endpoint(const Address& address) {
  std::string path = address.host();
  UnixEndpoint endpoint;
  if (path.empty() || path.size() >= sizeof endpoint.where.sun_path) {
    refuse(std::make_error_code(std::errc::invalid_argument), address,
           "the path is empty or too long");
  }
  endpoint.where.sun_family = AF_UNIX;
  std::memcpy(endpoint.where.sun_path, path.data(), path.size());
  // An abstract name ends where the length says, a path ends with NUL.
  endpoint.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() +
                                         (is_abstract(address) ? 0 : 1));
  if (is_abstract(address)) endpoint.where.sun_path[0] = '\0';
  return endpoint;
}

// The status of the file at the path; nothing if there is none.
std::optional<FileStatus> look_at(const Address& address) {
  FileStatus status;
  if (lstat(address.host().c_str(), &status) == 0) return status;
  if (errno == ENOENT) return std::nullopt;
  refuse(last_error(), address, "cannot examine the file there");
}

// Compares the time of change, too: the inode number of a removed file may be used again.
bool same_file(const FileStatus& a, const FileStatus& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
         a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

std::string kind_of(const FileStatus& status) {
  if (S_ISREG(status.st_mode)) return "a file";
  if (S_ISDIR(status.st_mode)) return "a directory";
  if (S_ISLNK(status.st_mode)) return "a symbolic link";
  return "something that is not a socket";
}

// A lock that is held while a server binds a path. Without it, a second server could take a socket
// that does not listen yet for a stale one, or both could replace the same stale one.
class PathLock {
 public:
  explicit PathLock(const Address& address) : path_(address.host() + ".evio-lock") {
    do {
      file_ = Socket(
          open(path_.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644));
      if (file_.fd() < 0)
        refuse(last_error(), address,
               "cannot create " + path_ + ", the lock that is needed while binding");
      if (!is_lock())
        refuse(std::make_error_code(std::errc::file_exists), address,
               path_ + " is needed as a lock while binding, but it is some other file");
      if (flock(file_.fd(), LOCK_EX | LOCK_NB) != 0) not_locked(address);
      // The last holder may have removed the file meanwhile; others would then lock a new one.
    } while (!still_there());
  }
  PathLock(const PathLock&) = delete;
  PathLock& operator=(const PathLock&) = delete;
  ~PathLock() { unlink(path_.c_str()); }

 private:
  [[noreturn]] void not_locked(const Address& address) {
    if (errno != EWOULDBLOCK) refuse(last_error(), address, "cannot lock " + path_);
    refuse(std::make_error_code(std::errc::address_in_use), address,
           "another server is starting there");
  }

  // An empty regular file. The destructor removes the file, so it must not be anything else.
  bool is_lock() const {
    FileStatus status;
    return fstat(file_.fd(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0;
  }

  bool still_there() const {
    FileStatus held, standing;
    return fstat(file_.fd(), &held) == 0 && lstat(path_.c_str(), &standing) == 0 &&
           same_file(held, standing);
  }

  std::string path_;
  Socket file_;
};

// Whether no server uses the socket file: then connecting is refused. Any other error means that
// the socket is in use (EAGAIN: its backlog is full; EPROTOTYPE: it is a datagram socket), or that
// it is unknown.
bool is_stale(const Address& address, const UnixEndpoint& endpoint) {
  Socket probe = open_socket(address, AF_UNIX);
  return connect(probe.fd(), reinterpret_cast<const sockaddr*>(&endpoint.where), endpoint.size) !=
             0 &&
         errno == ECONNREFUSED;
}

// Removes a socket file that an ended server has left. Throws if there is anything else.
void remove_stale(const Address& address, const UnixEndpoint& endpoint) {
  auto in_use = std::make_error_code(std::errc::address_in_use);
  auto found = look_at(address);
  if (!found) return;
  if (!S_ISSOCK(found->st_mode)) {
    refuse(std::make_error_code(std::errc::file_exists), address,
           kind_of(*found) + " exists there; it is not replaced");
  }
  if (!is_stale(address, endpoint)) refuse(in_use, address, "another server serves it");
  auto now = look_at(address);
  if (!now) return;
  if (!same_file(*found, *now)) refuse(in_use, address, "another server has just bound it");
  if (unlink(address.host().c_str()) != 0 && errno != ENOENT) {
    refuse(last_error(), address, "cannot remove the stale socket there");
  }
}

std::error_code try_bind(int fd, const UnixEndpoint& endpoint) {
  bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&endpoint.where), endpoint.size) == 0;
  return bound ? std::error_code() : last_error();
}

void bind_unix_name(const Address& address, int fd) {
  UnixEndpoint endpoint = unix_endpoint(address);
  auto error = try_bind(fd, endpoint);
  if (error == std::errc::address_in_use && !is_abstract(address)) {
    remove_stale(address, endpoint);
    error = try_bind(fd, endpoint);
  }
  if (error)
    refuse(error, address,
           error == std::errc::address_in_use ? "another server serves it" : "cannot bind");
}

// Called before listen(2). Until then nobody can connect, so there is no moment at which the file's
// initial mode admits anyone.
void set_file_mode(const Address& address, unsigned mode) {
  if (fchmodat(AT_FDCWD, address.host().c_str(), mode, AT_SYMLINK_NOFOLLOW) != 0)
    refuse(last_error(), address, "cannot set Options::file_mode");
}

void listen_unix(const Address& address, int fd, int backlog) {
  if (listen(fd, backlog) != 0) refuse(last_error(), address, "cannot listen");
}

BoundSocket bind_file(const Address& address, Socket socket, int backlog, const Options& options) {
  PathLock lock(address);
  bind_unix_name(address, socket.fd());
  auto made = look_at(address).value_or(FileStatus{});
  try {
    if (options.file_mode) set_file_mode(address, *options.file_mode);
    listen_unix(address, socket.fd(), backlog);
  } catch (...) {
    remove_socket_file(address, made.st_dev, made.st_ino);
    throw;
  }
  return {socket.release(), address, made.st_dev, made.st_ino};
}

BoundSocket bind_abstract(const Address& address, Socket socket, int backlog) {
  bind_unix_name(address, socket.fd());
  listen_unix(address, socket.fd(), backlog);
  return {socket.release(), address};
}

BoundSocket bind_unix(const Address& address, int backlog, const Options& options) {
  Socket socket = open_socket(address, AF_UNIX);
  set_options(address, socket.fd(), options);
  return is_abstract(address) ? bind_abstract(address, std::move(socket), backlog)
                              : bind_file(address, std::move(socket), backlog, options);
}

}  // namespace

BoundSocket bind_socket(const Address& address, bool reuseport, int backlog,
                        const Options& options) {
  return address.is_unix() ? bind_unix(address, backlog, options)
                           : bind_ip(address, reuseport, backlog, options);
}

BoundSocket inherit_socket(Socket socket, int backlog, const Options& options) {
  const std::string name = "fd://" + std::to_string(socket.fd());
  const auto ask = [&](int option) {
    int value = 0;
    socklen_t size = sizeof value;
    if (getsockopt(socket.fd(), SOL_SOCKET, option, &value, &size) != 0)
      throw Error(last_error(), name,
                  "it is not a socket; pass on a bound one, without close-on-exec");
    return value;
  };
  const bool datagrams = ask(SO_TYPE) == SOCK_DGRAM;
  const bool is_unix = ask(SO_DOMAIN) == AF_UNIX;
  const bool is_ip = ask(SO_DOMAIN) == AF_INET || ask(SO_DOMAIN) == AF_INET6;
  if (!(is_ip || is_unix) || (datagrams ? is_unix : ask(SO_TYPE) != SOCK_STREAM))
    throw Error(std::make_error_code(std::errc::not_supported), name,
                "it is not a tcp, udp or unix stream socket");
  const Address address = local_address(socket.fd(), datagrams ? Scheme::udp : Scheme::tcp);
  if (!is_unix && address.port() == 0)
    throw Error(std::make_error_code(std::errc::invalid_argument), name, "it is not bound");
  make_ready(socket.fd());
  set_options(address, socket.fd(), options);
  if (datagrams) {
    if (auto error = report_destination(socket.fd(), ask(SO_DOMAIN)))
      throw Error(error, name, "cannot prepare it");
  } else if (!ask(SO_ACCEPTCONN) && listen(socket.fd(), backlog) != 0) {
    throw Error(last_error(), name, "it cannot listen: is it connected?");
  }
  return {.fd = socket.release(), .address = address};
}

void check_connected(int fd) {
  const auto refuse = [](std::errc code, const char* problem) {
    throw Error(std::make_error_code(code), "",
                std::string("cannot adopt this Socket: ") + problem);
  };
  const auto ask = [&](int option) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
  };
  if (fd < 0)
    refuse(std::errc::bad_file_descriptor, "it is empty; was it moved from, or released?");
  const int type = ask(SO_TYPE);
  if (type < 0 && errno == EBADF)
    refuse(std::errc::bad_file_descriptor, "its descriptor is closed");
  if (type < 0)
    refuse(std::errc::not_a_socket,
           "its descriptor is not a socket; for others, such as pipes, see Loop::watch");
  if (type != SOCK_STREAM)
    refuse(std::errc::wrong_protocol_type, "it is not a stream; see Loop::connect for udp");
  if (ask(SO_ACCEPTCONN) == 1)
    refuse(std::errc::invalid_argument, "it listens; pass it to a Server as a Binding");
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0) return;
  // A TCP socket that has a port was connected before. It is accepted here, so that its loss is
  // reported by `closed`, as for any connection.
  const bool lost = ask(SO_DOMAIN) != AF_UNIX && local_address(fd, Scheme::tcp).port() != 0;
  if (!lost) refuse(std::errc::not_connected, "it is not connected");
}

Socket duplicate_socket(int fd) {
  Socket duplicate(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (duplicate.fd() < 0) throw Error(last_error(), {}, "cannot open another descriptor");
  return duplicate;
}

namespace {

// Binds to Options::source. If the port is 0, the kernel chooses it when the socket connects:
// then connections to different peers can share a port, and there can be far more of them.
std::error_code bind_source(int fd, const Address& source, int family) noexcept {
  sockaddr_storage from{};
  socklen_t size = 0;
  if (family == AF_INET6 && source.is_ip4())
    return std::make_error_code(std::errc::address_family_not_supported);
  if (!to_sockaddr(source, from, size, family))
    return std::make_error_code(std::errc::address_family_not_supported);
  if (auto error = source.port() == 0 ? set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                                      : set(fd, SOL_SOCKET, SO_REUSEADDR, 1))
    return error;
  return bind(fd, reinterpret_cast<const sockaddr*>(&from), size) == 0 ? std::error_code()
                                                                       : last_error();
}

}  // namespace

ConnectingSocket connect_socket(const Address& to, const Options& options) noexcept {
  try {
    sockaddr_storage where{};
    socklen_t size = 0;
    const bool is_unix = to.is_unix();
    if (is_unix) {
      const UnixEndpoint endpoint = unix_endpoint(to);
      std::memcpy(&where, &endpoint.where, endpoint.size);
      size = endpoint.size;
    } else {
      to_sockaddr(to, where, size, to.is_ip4() ? AF_INET : AF_INET6);
    }
    Socket socket = open_socket(to, where.ss_family);
    set_options(to, socket.fd(), options);
    if (options.source && !is_unix) {
      if (auto error = bind_source(socket.fd(), *options.source, where.ss_family))
        return {.error = error};
    }
    int result = 0;
    do result = connect(socket.fd(), reinterpret_cast<const sockaddr*>(&where), size);
    while (result != 0 && errno == EINTR);
    if (result != 0 && errno != EINPROGRESS && errno != EALREADY) return {.error = last_error()};
    return {.fd = socket.release()};
  } catch (const std::system_error& error) {
    return {.error = error.code()};
  }
}

std::vector<Address> look_up_all(const Address& name, std::error_code& error) {
  LookUpFailure failure;
  const Found found = ask_for(name, failure);
  error = failure.error;
  const bool unknown = failure.result == EAI_NONAME || failure.result == EAI_NODATA;
  if (unknown && error == std::errc::invalid_argument) error = Errc::name_not_found;
  std::vector<Address> all;
  for (const addrinfo* one = found.get(); one; one = one->ai_next)
    all.push_back(from_sockaddr(one->ai_addr, one->ai_addrlen, name.scheme()));
  return all;
}

void remove_socket_file(const Address& address, dev_t device, ino_t inode) noexcept {
  std::string path = address.host();
  FileStatus status;
  bool ours =
      lstat(path.c_str(), &status) == 0 && status.st_dev == device && status.st_ino == inode;
  if (ours) unlink(path.c_str());
}

// Removes the file if no socket is bound to it any more. It tries to connect a datagram socket:
// that is refused if the socket is gone, and fails with another error, without disturbing the
// server, if it exists. The lock prevents others from replacing the file meanwhile.
void remove_unserved_file(const Address& address, dev_t device, ino_t inode) noexcept {
  try {
    const PathLock lock(address);
    const UnixEndpoint endpoint = unix_endpoint(address);
    const Socket probe(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const bool refused = connect(probe.fd(), reinterpret_cast<const sockaddr*>(&endpoint.where),
                                 endpoint.size) != 0 &&
                         errno == ECONNREFUSED;
    if (refused) remove_socket_file(address, device, inode);
  } catch (const std::system_error&) {
    // Another server is binding there, or resources have run out. The file is replaced when the
    // path is bound next.
  }
}

std::error_code apply(int fd, const Options& options, bool is_tcp) noexcept {
  std::error_code first;
  auto note = [&](std::error_code error) {
    if (!first) first = error;
  };
  if (options.receive_buffer) note(set(fd, SOL_SOCKET, SO_RCVBUF, as_int(*options.receive_buffer)));
  if (options.send_buffer) note(set(fd, SOL_SOCKET, SO_SNDBUF, as_int(*options.send_buffer)));
  if (!is_tcp) return first;
  note(set_keep_alive(fd, options));
  if (options.no_delay) note(set(fd, IPPROTO_TCP, TCP_NODELAY, *options.no_delay));
  if (options.quick_ack) note(set(fd, IPPROTO_TCP, TCP_QUICKACK, *options.quick_ack));
  return first;
}

}}}  // namespace evio::v0::detail
