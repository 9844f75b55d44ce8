#include "client.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "support/bytes.hpp"
#include "support/waiting.hpp"

namespace evio::test::soak {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int connect_tcp(const Address& to, Random& random) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr =
      htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(between(random, 0, 1 << 20)));
  const int later = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &later, sizeof later);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0) fail("bind");
  sockaddr_in where = own;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  where.sin_port = htons(to.port());
  if (::connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) fail("connect");
  return fd;
}

int connect_unix(const Address& to) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::strncpy(where.sun_path, to.host().c_str(), sizeof where.sun_path - 1);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) fail("connect");
  return fd;
}

}  // namespace

Client::Client(const Address& to, const Script& script, Random& random)
    : fd_(to.is_unix() ? connect_unix(to) : connect_tcp(to, random)),
      script_(script),
      to_send_(script.to_send()),
      expected_(script.expected()),
      deadline_(Clock::now() + 2 * hang_guard) {}

Client::Client(Client&& other) noexcept { *this = std::move(other); }

Client& Client::operator=(Client&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(script_, other.script_);
  std::swap(to_send_, other.to_send_);
  std::swap(expected_, other.expected_);
  std::swap(sent_, other.sent_);
  std::swap(received_, other.received_);
  std::swap(shut_, other.shut_);
  std::swap(reads_at_, other.reads_at_);
  std::swap(deadline_, other.deadline_);
  std::swap(problem_, other.problem_);
  return *this;
}

Client::~Client() {
  if (fd_ >= 0) ::close(fd_);
}

pollfd Client::wanted(Clock::time_point now) const {
  const bool reads = !script_.slow || now >= reads_at_;
  return {
      .fd = fd_,
      .events = static_cast<short>((reads ? POLLIN : 0) | (sent_ < to_send_.size() ? POLLOUT : 0)),
      .revents = 0};
}

bool Client::go_on(short events, Clock::time_point now) {
  if (now > deadline_) return failed("it hangs");
  if ((events & POLLOUT) != 0 && !send_some()) return false;
  if ((events & (POLLIN | POLLHUP | POLLERR)) == 0 || (script_.slow && now < reads_at_))
    return true;
  reads_at_ = now + std::chrono::milliseconds(20);
  return read_some();
}

bool Client::send_some() {
  const std::string_view burst = std::string_view(to_send_).substr(sent_, script_.burst);
  const ssize_t count = ::send(fd_, burst.data(), burst.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || failed("send", errno);
  sent_ += static_cast<std::size_t>(count);
  if (sent_ == to_send_.size() && script_.header.mode == Mode::ended)
    shut_ = ::shutdown(fd_, SHUT_WR) == 0;
  return true;
}

bool Client::read_some() {
  static thread_local std::string room(256 * kib, '\0');
  const ssize_t count =
      ::recv(fd_, room.data(), script_.slow ? 64 * kib : room.size(), MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || failed("receive", errno);
  if (count == 0) return ended();
  const std::string_view bytes(room.data(), static_cast<std::size_t>(count));
  if (bytes.size() > expected_.size() - received_) return failed("more than was expected");
  if (bytes != std::string_view(expected_).substr(received_, bytes.size()))
    return failed("other bytes");
  received_ += bytes.size();
  const bool all = received_ == expected_.size();
  const bool enough = script_.ending != Script::CloseReason::orderly && received_ >= script_.enough;
  if (!enough && !(all && script_.header.mode == Mode::echo)) return true;
  leave();
  return false;
}

bool Client::ended() {
  return received_ == expected_.size() && sent_ == to_send_.size() ? false
                                                                   : failed("it ended early");
}

bool Client::failed(const char* what, int error) {
  problem_ = what;
  if (error != 0) problem_ += ": " + std::generic_category().message(error);
  return false;
}

void Client::leave() {
  if (script_.ending == Script::CloseReason::reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  ::close(std::exchange(fd_, -1));
}

}  // namespace evio::test::soak
