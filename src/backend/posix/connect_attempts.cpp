#include "backend/posix/connect_attempts.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "backend/posix/io.hpp"
#include "backend/posix/socket.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

// Whether a socket is connected to itself. That happens on this machine if nothing listens at the
// port and the kernel chose the same port for the connecting socket: by the rules of TCP this is a
// simultaneous open (RFC 9293).
bool met_itself(int fd) noexcept {
  sockaddr_storage own{}, peer{};
  socklen_t own_size = sizeof own, peer_size = sizeof peer;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) return false;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return false;
  return own.ss_family != AF_UNIX && own_size == peer_size &&
         std::memcmp(&own, &peer, own_size) == 0;
}

// The errno of an attempt that has ended; 0 if it succeeded.
int outcome(int fd) noexcept {
  if (const int error = pending_error(fd)) return error;
  if (!met_itself(fd)) return 0;
  // Otherwise the port would stay in TIME_WAIT, and a server could not listen there for a while.
  reset_on_close(fd);
  return ECONNREFUSED;
}

}  // namespace

ConnectAttempts::~ConnectAttempts() {
  for (One& one : connects_)
    if (one.fd >= 0) close(one);
}

void ConnectAttempts::close(One& one) noexcept {
  close_stream(std::exchange(one.fd, -1), maker_.is_this_process() ? 0 : forks());
}

int ConnectAttempts::begin(ConnectId id, const Address& to, const Options& options) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= connects_.size()) connects_.resize(index + 1);
  const std::uint32_t made = forks();
  const ConnectingSocket connecting = connect_socket(to, options);
  One& one = connects_[index];
  one = {.fd = connecting.fd,
         .generation = one.generation + 1,
         .forks = made,
         .failing = connecting.fd < 0};
  if (one.failing) failed_.push_back({id, one.generation, connecting.error});
  return one.fd;
}

void ConnectAttempts::cancel(ConnectId id) noexcept {
  One& one = connects_[static_cast<std::size_t>(id)];
  one.failing = false;
  if (one.fd >= 0) close(one);
}

void ConnectAttempts::fail(ConnectId id, std::error_code error) {
  One& one = connects_[static_cast<std::size_t>(id)];
  close(one);
  one.failing = true;
  failed_.push_back({id, one.generation, error});
}

void ConnectAttempts::finish(ConnectId id, Sink& sink) {
  const std::uint32_t made = connects_[static_cast<std::size_t>(id)].forks;
  const int fd = std::exchange(connects_[static_cast<std::size_t>(id)].fd, -1);
  const int error = outcome(fd);
  if (error == 0) return sink.on_connected(id, {fd, made});
  close_stream(fd);
  sink.on_connect_failed(id, {error, std::generic_category()});
}

// The sink may cancel other attempts, and begin new ones with the same ids, so each entry is
// checked again.
bool ConnectAttempts::report_failed(Sink& sink) {
  telling_.swap(failed_);
  const bool any = !telling_.empty();
  for (const Failed& failed : telling_) {
    One& one = connects_[static_cast<std::size_t>(failed.id)];
    if (one.generation != failed.generation || !std::exchange(one.failing, false)) continue;
    sink.on_connect_failed(failed.id, failed.error);
  }
  telling_.clear();
  return any;
}

}}}  // namespace evio::v0::detail
