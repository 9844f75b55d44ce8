#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "unit/bound.hpp"

namespace evio {

using namespace detail;
namespace {

using test::Bound;
using test::lowest_free_descriptor;
using test::refusal;
using test::refused;
using testing::HasSubstr;
using Scheme = Address::Scheme;

int option(const Socket& socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(socket.fd(), level, name, &value, &size), 0) << std::strerror(errno);
  return value;
}

std::error_code connect_to(const Socket& socket, const Address& address, int family) {
  sockaddr_storage to;
  socklen_t size = 0;
  EXPECT_TRUE(to_sockaddr(address, to, size, family));
  int result = connect(socket.fd(), reinterpret_cast<const sockaddr*>(&to), size);
  return result == 0 ? std::error_code() : std::error_code(errno, std::generic_category());
}

bool reachable(const std::string& host, std::uint16_t port) {
  Address address = Address::parse(host + ":" + std::to_string(port));
  int family = address.is_ip4() ? AF_INET : AF_INET6;
  return !connect_to(Socket(socket(family, SOCK_STREAM, 0)), address, family);
}

Socket accept_from(const Socket& listener) {
  pollfd waiting{listener.fd(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 20'000), 1);
  return Socket(accept(listener.fd(), nullptr, nullptr));
}

// ---- conversions ----

Address there_and_back(const Address& address, int family, Scheme hint) {
  sockaddr_storage storage;
  socklen_t size = 0;
  EXPECT_TRUE(to_sockaddr(address, storage, size, family));
  EXPECT_EQ(storage.ss_family, family);
  return from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), size, hint);
}

TEST(Sockaddr, HoldsIpAddresses) {
  for (std::string url : {"tcp://1.2.3.4:80", "tcp://0.0.0.0:0"}) {
    Address address = Address::parse(url);
    EXPECT_EQ(there_and_back(address, AF_INET, Scheme::tcp), address);
    EXPECT_EQ(there_and_back(address, AF_INET6, Scheme::tcp), address) << "mapped";
  }
  Address address = Address::parse("udp6://[fe80::1%2]:53");
  EXPECT_EQ(there_and_back(address, AF_INET6, Scheme::udp6), address);
}

TEST(Sockaddr, HasAWildcardForNoHost) {
  EXPECT_EQ(there_and_back(Address::parse("tcp://:80"), AF_INET, Scheme::tcp),
            Address::parse("tcp://0.0.0.0:80"));
  EXPECT_EQ(there_and_back(Address::parse("tcp://:80"), AF_INET6, Scheme::tcp),
            Address::parse("tcp://[::]:80"));
}

TEST(Sockaddr, RejectsOtherAddresses) {
  sockaddr_storage storage;
  socklen_t size = 0;
  EXPECT_FALSE(to_sockaddr(Address::parse("tcp://localhost:80"), storage, size, AF_INET));
  EXPECT_FALSE(to_sockaddr(Address::parse("tcp://[::1]:80"), storage, size, AF_INET));
  EXPECT_FALSE(to_sockaddr(Address::parse("unix://a"), storage, size, AF_INET6));
}

sockaddr_un unix_sockaddr(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path);
  return address;
}

TEST(Sockaddr, ReadsUnixNames) {
  constexpr socklen_t offset = offsetof(sockaddr_un, sun_path);
  auto from = [](const sockaddr_un& address, std::size_t size) {
    return from_sockaddr(reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size),
                         Scheme::local);
  };
  EXPECT_EQ(from(unix_sockaddr("/a/b"), offset + 5), Address::from_path("/a/b"));
  EXPECT_EQ(from(unix_sockaddr("/a/b"), sizeof(sockaddr_un)), Address::from_path("/a/b"));
  EXPECT_EQ(from(unix_sockaddr(""), offset), Address::from_path(""));
  EXPECT_EQ(from(unix_sockaddr(""), 0), Address::from_path(""));
  EXPECT_EQ(from(unix_sockaddr(std::string("\0name", 5)), offset + 5), Address::from_path("@name"));
  const std::string full(sizeof(sockaddr_un::sun_path), 'x');
  EXPECT_EQ(from(unix_sockaddr(full), sizeof(sockaddr_un)), Address::from_path(full));
}

TEST(Sockaddr, IsNothingWhenUnknown) {
  sockaddr_storage storage{};
  storage.ss_family = AF_APPLETALK;
  auto* address = reinterpret_cast<const sockaddr*>(&storage);
  EXPECT_EQ(from_sockaddr(address, sizeof storage, Scheme::tcp), Address());
  storage.ss_family = AF_INET;
  EXPECT_EQ(from_sockaddr(address, 4, Scheme::tcp), Address());
  EXPECT_EQ(local_address(-1, Scheme::tcp), Address());
}

// ---- tcp and udp ----

TEST(BindSocket, ReportsTheRealPort) {
  Bound bound("tcp://127.0.0.1:0");
  EXPECT_NE(bound.address.port(), 0);
  EXPECT_EQ(bound.address, local_address(bound.socket.fd(), Scheme::tcp));
  EXPECT_TRUE(reachable("127.0.0.1", bound.address.port()));
}

TEST(BindSocket, KeepsTheSchemeAndTheEmptyHost) {
  for (std::string url : {"tcp://:", "tcp4://:", "tcp6://:", "udp://:", "udp4://:", "udp6://:"}) {
    Bound bound(url + "0");
    EXPECT_NE(bound.address.port(), 0);
    EXPECT_EQ(bound.address.to_string(), url + std::to_string(bound.address.port()));
  }
}

TEST(BindSocket, ReportsTheAddressOfAName) {
  Bound bound("tcp://localhost:0");
  EXPECT_EQ(bound.address.host(), "127.0.0.1");
  EXPECT_EQ(Bound("tcp4://localhost:0").address.host(), "127.0.0.1");
}

TEST(BindSocket, ServesBothFamiliesWithoutAHost) {
  Bound bound("tcp://:0");
  EXPECT_TRUE(reachable("127.0.0.1", bound.address.port()));
  if (refused("tcp6://[::1]:0")) GTEST_SKIP() << "no IPv6 on this machine's loopback";
  EXPECT_TRUE(reachable("[::1]", bound.address.port()));
}

TEST(BindSocket, ServesOneFamilyWhenAsked) {
  for (std::string url : {"tcp4://:0", "tcp://0.0.0.0:0", "udp4://:0"}) {
    EXPECT_EQ(option(Bound(url).socket, SOL_SOCKET, SO_DOMAIN), AF_INET) << url;
  }
  for (std::string url : {"tcp6://:0", "tcp://[::]:0", "udp6://:0"}) {
    EXPECT_EQ(option(Bound(url).socket, IPPROTO_IPV6, IPV6_V6ONLY), 1) << url;
  }
}

// Makes the kernel refuse IPv6 to this process from now on.
bool forbid_ip6() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter{sizeof program / sizeof *program, program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(BindSocket, ServesIp4WhereThereIsNoIp6) {
  pid_t child = fork();
  if (child == 0) {
    if (!forbid_ip6()) _exit(2);
    Bound tcp("tcp://:0"), udp("udp://:0");
    bool served = reachable("127.0.0.1", tcp.address.port()) && tcp.address.host().empty();
    _exit(served && refused("tcp6://:0") == std::errc::address_family_not_supported ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(BindSocket, RefusesAPortInUse) {
  for (std::string scheme : {"tcp", "udp"}) {
    Bound bound(scheme + "://127.0.0.1:0");
    auto [code, what] = refusal(bound.address.to_string());
    EXPECT_EQ(code, std::errc::address_in_use);
    EXPECT_THAT(what, HasSubstr("?reuseport=true"));
    EXPECT_THAT(what, HasSubstr("Address already in use"));
    EXPECT_EQ(refused(scheme + "://:" + std::to_string(bound.address.port())),
              std::errc::address_in_use);
  }
}

TEST(BindSocket, AcceptsAPortWithConnectionsInTimeWait) {
  std::string url;
  {
    Bound bound("tcp://127.0.0.1:0");
    url = bound.address.to_string();
    Socket client(socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_FALSE(connect_to(client, bound.address, AF_INET));
    accept_from(bound.socket);  // closed first, so that this end stays in TIME_WAIT
  }
  EXPECT_EQ(refusal(url).what, "");
}

TEST(BindSocket, SharesAPortOnlyWhenAllAgree) {
  for (std::string scheme : {"tcp", "udp"}) {
    Bound first(scheme + "://127.0.0.1:0", true);
    std::string url = first.address.to_string();
    EXPECT_EQ(Bound(url, true).address, first.address);
    EXPECT_EQ(refused(url), std::errc::address_in_use);
  }
}

TEST(BindSocket, RefusesAddressesOfOtherHosts) {
  auto [code, what] = refusal("tcp://192.0.2.77:0");
  EXPECT_EQ(code, std::errc::address_not_available);
  EXPECT_THAT(what, HasSubstr("'192.0.2.77' is not an address of this machine"));
}

TEST(BindSocket, RequiresTheZoneOfALinkLocalAddress) {
  EXPECT_THAT(refusal("tcp://[fe80::1]:0").what, HasSubstr("needs a zone"));
}

TEST(BindSocket, RefusesUnknownNames) {
  std::string host(64, 'a');  // too long for a label: rejected without a lookup
  EXPECT_THAT(refusal("tcp://" + host + ":0").what, HasSubstr("host '" + host + "' was not found"));
  EXPECT_THAT(refusal("tcp://[fe80::1%nosuchif0]:0").what, HasSubstr("was not found"));
}

TEST(BindSocket, RefusesOptionsThatTheKernelRefuses) {
  Options options;
  options.keep_alive = std::chrono::hours(24 * 365);
  auto [code, what] = refusal("tcp://127.0.0.1:0", false, options);
  EXPECT_EQ(code, std::errc::invalid_argument);
  EXPECT_THAT(what, HasSubstr("Options"));
}

TEST(BindSocket, LeavesNothingOpenWhenItFails) {
  Bound bound("tcp://127.0.0.1:0");
  Options wrong;
  wrong.keep_alive = std::chrono::seconds(-1);
  int next = lowest_free_descriptor();
  EXPECT_TRUE(refused(bound.address.to_string()));
  EXPECT_TRUE(refusal("tcp://127.0.0.1:0", false, wrong).code);
  EXPECT_TRUE(refused("udp://192.0.2.77:0"));
  EXPECT_TRUE(refused("udp://[fe80::1%nosuchif0]:0"));
  EXPECT_EQ(lowest_free_descriptor(), next);
}

TEST(BindSocket, MakesEveryDescriptorNonBlockingAndCloseOnExec) {
  std::string abstract = "unix://@evio-test-flags-" + std::to_string(getpid());
  for (std::string url : {std::string("tcp://:0"), std::string("udp://:0"), abstract}) {
    Bound bound(url);
    EXPECT_EQ(fcntl(bound.socket.fd(), F_GETFD), FD_CLOEXEC) << url;
    EXPECT_TRUE(fcntl(bound.socket.fd(), F_GETFL) & O_NONBLOCK) << url;
  }
}

TEST(BindSocket, PassesItsOptionsToAcceptedConnections) {
  Options options;
  options.keep_alive = std::chrono::milliseconds(76'500);
  options.receive_buffer = 40'000;
  options.send_buffer = 50'000;
  for (std::string url : {"tcp4://:0", "tcp://:0"}) {
    Bound bound(url, false, options);
    Socket client(socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_FALSE(connect_to(
        client, Address::parse("127.0.0.1:" + std::to_string(bound.address.port())), AF_INET));
    Socket accepted = accept_from(bound.socket);
    EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(accepted, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    EXPECT_EQ(option(accepted, SOL_SOCKET, SO_RCVBUF), 80'000);  // the kernel doubles it
    EXPECT_EQ(option(accepted, SOL_SOCKET, SO_SNDBUF), 100'000);
  }
}

TEST(BindSocket, LeavesNaglesAlgorithmOnWhenAsked) {
  Options options;
  options.no_delay = false;
  EXPECT_EQ(option(Bound("tcp://:0", false, options).socket, IPPROTO_TCP, TCP_NODELAY), 0);
}

TEST(BindSocket, ReportsTheDestinationOfDatagrams) {
  EXPECT_EQ(option(Bound("udp4://:0").socket, IPPROTO_IP, IP_PKTINFO), 1);
  EXPECT_EQ(option(Bound("udp6://:0").socket, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
  Bound both("udp://:0");
  EXPECT_EQ(option(both.socket, IPPROTO_IP, IP_PKTINFO), 1);
  EXPECT_EQ(option(both.socket, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
}

// ---- options ----

TEST(Apply, SetsWhatIsSetAndNothingElse) {
  Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
  int receive_buffer = option(socket, SOL_SOCKET, SO_RCVBUF);
  Options options;
  options.no_delay = true;
  options.keep_alive = std::chrono::seconds(30);
  EXPECT_FALSE(apply(socket.fd(), options, true));
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(socket, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPIDLE), 30);
  EXPECT_EQ(option(socket, SOL_SOCKET, SO_RCVBUF), receive_buffer);

  EXPECT_FALSE(apply(socket.fd(), {}, true));
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_NODELAY), 1);

  Options off;
  off.no_delay = false;
  off.keep_alive = Duration::zero();
  EXPECT_FALSE(apply(socket.fd(), off, true));
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option(socket, SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST(Apply, ProbesOftenEnoughToNoticeADeadPeerSoon) {
  Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
  Options options;
  options.keep_alive = std::chrono::seconds(60);
  EXPECT_FALSE(apply(socket.fd(), options, true));
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPINTVL), 6);
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPCNT), 3);
  options.keep_alive = std::chrono::seconds(2);
  EXPECT_FALSE(apply(socket.fd(), options, true));
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPINTVL), 1);

  options.keep_alive_interval = std::chrono::seconds(20);
  options.keep_alive_count = 5;
  EXPECT_FALSE(apply(socket.fd(), options, true));
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPINTVL), 20);
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPCNT), 5);

  Options count_alone;
  count_alone.keep_alive_count = 7;
  EXPECT_FALSE(apply(socket.fd(), count_alone, true));
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPIDLE), 2);
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPINTVL), 20);
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_KEEPCNT), 7);
}

TEST(Apply, SkipsTcpOptionsForOtherSockets) {
  Options options;
  options.no_delay = true;
  options.quick_ack = true;
  options.keep_alive = std::chrono::seconds(30);
  options.send_buffer = 50'000;
  Socket socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_FALSE(apply(socket.fd(), options, false));
  EXPECT_EQ(option(socket, SOL_SOCKET, SO_SNDBUF), 100'000);
}

TEST(Apply, ReportsTheFirstErrorAndSetsTheRest) {
  Options options;
  options.keep_alive = Duration::max();
  options.no_delay = true;
  Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(apply(socket.fd(), options, true), std::errc::invalid_argument);
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(apply(-1, options, true), std::errc::bad_file_descriptor);
}

TEST(Apply, AcceptsAnyBufferSize) {
  Options options;
  options.receive_buffer = SIZE_MAX;  // the kernel's own limit applies
  Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_FALSE(apply(socket.fd(), options, true));
  EXPECT_GT(option(socket, SOL_SOCKET, SO_RCVBUF), 0);
}

}  // namespace
}  // namespace evio
