#include "backend/posix/dials.hpp"

#include <unistd.h>

#include <utility>

#include "backend/posix/io.hpp"
#include "backend/posix/socket.hpp"

namespace evio::inline v1 {

Dials::~Dials() {
  for (const One& one : dials_)
    if (one.fd >= 0) ::close(one.fd);
}

int Dials::begin(Dial dial, const Address& to, const Options& options) {
  const auto index = static_cast<std::size_t>(dial);
  if (index >= dials_.size()) dials_.resize(index + 1);
  const ConnectingSocket connecting = connect_socket(to, options);
  One& one = dials_[index];
  one = {.fd = connecting.fd, .generation = one.generation + 1, .failing = connecting.fd < 0};
  if (one.failing) failed_.push_back({dial, one.generation, connecting.error});
  return one.fd;
}

void Dials::cancel(Dial dial) noexcept {
  One& one = dials_[static_cast<std::size_t>(dial)];
  one.failing = false;
  if (one.fd >= 0) ::close(std::exchange(one.fd, -1));
}

void Dials::fail(Dial dial, std::error_code error) {
  One& one = dials_[static_cast<std::size_t>(dial)];
  ::close(std::exchange(one.fd, -1));
  one.failing = true;
  failed_.push_back({dial, one.generation, error});
}

void Dials::finish(Dial dial, Sink& sink) {
  const int fd = std::exchange(dials_[static_cast<std::size_t>(dial)].fd, -1);
  const int error = pending_error(fd);
  if (error == 0) return sink.on_connected(dial, {fd});
  ::close(fd);
  sink.on_connect_failed(dial, {error, std::system_category()});
}

bool Dials::tell_failed(Sink& sink) {
  telling_.swap(failed_);
  const bool any = !telling_.empty();
  for (const Failed& failed : telling_) {
    One& one = dials_[static_cast<std::size_t>(failed.dial)];
    if (one.generation != failed.generation || !std::exchange(one.failing, false)) continue;
    sink.on_connect_failed(failed.dial, failed.error);
  }
  telling_.clear();
  return any;
}

}  // namespace evio::inline v1
