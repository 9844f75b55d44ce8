#include "backend/simulated/bridge.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <evio/error.hpp>
#include <string>

namespace evio { inline namespace v0 { namespace detail {

namespace {

std::uint64_t inode_of(int fd) {
  struct stat found {};
  return ::fstat(fd, &found) == 0 ? found.st_ino : 0;
}

std::string read_all(int fd) {
  std::string all;
  char bytes[16 << 10];
  for (ssize_t size = 0; (size = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
    all.append(bytes, static_cast<std::size_t>(size));
  return all;
}

}  // namespace

Bridges::~Bridges() {
  for (const Bridge& bridge : bridges_) ::close(bridge.fd);
}

int Bridges::make(SocketId id) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    throw Error({errno, std::generic_category()}, "",
                "cannot make a pair of sockets for a detached connection");
  network_.hold(id, *this, 0);
  bridges_.push_back({.id = id, .fd = fds[0], .user = inode_of(fds[1])});
  return fds[1];
}

// Bytes that are in the real pair are put back into the simulated connection, in both directions.
std::optional<SocketId> Bridges::take_back(int user_fd) {
  const std::uint64_t user = inode_of(user_fd);
  const auto bridge = std::find_if(bridges_.begin(), bridges_.end(),
                                   [&](const Bridge& b) { return b.user == user; });
  std::optional<SocketId> id;
  std::string sent;
  if (bridge != bridges_.end()) {
    id = bridge->id;
    sent = read_all(bridge->fd);
    ::close(bridge->fd);
    bridges_.erase(bridge);
  } else if (std::erase(broken_, user) > 0) {
    id = network_.broken();
  }
  if (id) network_.give_back(*id, read_all(user_fd), sent);
  return id;
}

bool Bridges::pump() {
  bool moved = false;
  for (Bridge& bridge : bridges_) moved |= pump(bridge);
  std::erase_if(bridges_, [](const Bridge& bridge) { return bridge.fd < 0; });
  return moved;
}

bool Bridges::pump(Bridge& bridge) {
  bool moved = to_user(bridge);
  moved |= from_user(bridge);
  const bool broken = network_.error(bridge.id) != 0;
  if (!broken && !(bridge.user_ended && bridge.peer_ended)) return moved;
  if (!bridge.user_ended) broken_.push_back(bridge.user);
  network_.close(bridge.id, CloseMode::orderly);
  ::close(bridge.fd);
  bridge.fd = -1;
  return true;
}

bool Bridges::to_user(Bridge& bridge) {
  const std::string_view unread = network_.unread(bridge.id);
  if (unread.empty()) {
    if (!network_.ended(bridge.id) || bridge.peer_ended) return false;
    ::shutdown(bridge.fd, SHUT_WR);
    return bridge.peer_ended = true;
  }
  const ssize_t sent = ::send(bridge.fd, unread.data(), unread.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) network_.consume(bridge.id, static_cast<std::size_t>(sent));
  if (sent < 0 && errno != EAGAIN) {  // the user has closed it, with unread bytes
    network_.consume(bridge.id, unread.size());
    return true;
  }
  return sent > 0;
}

bool Bridges::from_user(Bridge& bridge) {
  if (bridge.user_ended) return false;
  char bytes[16 << 10];
  const std::size_t room = std::min(network_.room(bridge.id), sizeof bytes);
  if (room == 0) return false;
  const ssize_t size = ::recv(bridge.fd, bytes, room, MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return false;
  if (size > 0)
    return network_.send(bridge.id, std::string_view(bytes, static_cast<std::size_t>(size))) > 0;
  network_.end(bridge.id);
  return bridge.user_ended = true;
}

}}}  // namespace evio::v0::detail
