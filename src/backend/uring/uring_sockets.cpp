// The part of UringDriver for listeners, udp sockets, attempts to connect and watched descriptors.
#include <poll.h>

#include <utility>

#include "backend/posix/io.hpp"
#include "backend/posix/socket.hpp"
#include "backend/uring/uring_driver.hpp"

namespace evio { inline namespace v0 { namespace detail {

// ---- Listeners and datagrams
//
// They are polled. A multishot accept could exceed a limit on connections, and does not return the
// peer's address, so that a system call for each connection would be needed in any case.

void UringDriver::watch(Op op, std::uint32_t index, int fd) {
  poll_for(user_data(op, index, 0), fd, POLLIN, true);
}

void UringDriver::queue_cancel(std::uint64_t target, int flags) {
  io_uring_sqe* entry = ring_.entry();
  io_uring_prep_cancel64(entry, target, flags);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry->user_data = user_data(Op::cancel, 0, 0);
}

void UringDriver::accept_from(ListenerId listener, NativeSocket socket) {
  listeners_.add(listener, socket);
  watch(Op::listener, static_cast<std::uint32_t>(listener), listeners_.fd(listener));
}

void UringDriver::set_accepting(ListenerId listener, bool accepting) {
  if (listeners_.fd(listener) < 0) return;
  listeners_.set_accepting(listener, accepting);
  // Connections that arrived meanwhile were reported then, and will not be again.
  if (accepting) unaccepted_.push_back(listener);
}

void UringDriver::close_listener(ListenerId listener) {
  queue_cancel(user_data(Op::listener, static_cast<std::uint32_t>(listener), 0));
  ring_.submit_and_reap();  // otherwise the poll would keep the closed socket listening
  listeners_.close(listener);
}

void UringDriver::accept_some(ListenerId listener) {
  if (listeners_.fd(listener) < 0) return;
  if (listeners_.accept_some(listener, sink_) == Listeners::Outcome::more)
    unaccepted_.push_back(listener);
}

void UringDriver::bind_datagram(UdpSocketId socket, NativeSocket native) {
  ports_.add(socket, native);
  watch_datagrams(socket);
}

void UringDriver::watch_datagrams(UdpSocketId socket) {
  const std::uint64_t name =
      user_data(Op::datagram, static_cast<std::uint32_t>(socket), ports_.generation(socket));
  poll_for(name, ports_.fd(socket), POLLIN, true);
}

bool UringDriver::send_to(UdpSocketId socket, const Datagram& datagram) {
  return ports_.send(socket, datagram);
}

void UringDriver::close_datagram(UdpSocketId socket) {
  queue_cancel(
      user_data(Op::datagram, static_cast<std::uint32_t>(socket), ports_.generation(socket)));
  ports_.close(socket);
}

std::error_code UringDriver::set_options(UdpSocketId socket, const Options& options) {
  return apply(ports_.fd(socket), options, false);
}

Address UringDriver::local_address(UdpSocketId socket) {
  return detail::local_address(ports_.fd(socket), Address::Scheme::udp);
}

void UringDriver::receive_datagrams(UdpSocketId socket) {
  if (ports_.fd(socket) < 0) return;
  if (ports_.receive_some(socket, sink_)) undelivered_.push_back(socket);
}

// ---- ConnectAttempts

void UringDriver::connect(ConnectId id, const Address& to, const Options& options) {
  enable();
  const int fd = connects_.begin(id, to, options);
  if (fd < 0) return;
  poll_for(user_data(Op::id, static_cast<std::uint32_t>(id), connects_.generation(id)), fd, POLLOUT,
           false);
}

void UringDriver::cancel(ConnectId id) {
  if (connects_.fd(id) >= 0)
    queue_cancel(user_data(Op::id, static_cast<std::uint32_t>(id), connects_.generation(id)));
  connects_.cancel(id);
}

// ---- Watches
//
// A single-shot poll for each report: a multishot poll reports each arrival once, but a watch must
// be reported as long as the descriptor is ready.

std::error_code UringDriver::watch(WatchId name, NativeSocket descriptor, Interest interest) {
  enable();
  if (const std::error_code error = cannot_be_polled(static_cast<int>(descriptor.value)))
    return error;
  watched_.add(name, descriptor, interest);
  ask(name);
  return {};
}

void UringDriver::ask(WatchId name) {
  const Watched::One& one = watched_[name];
  const unsigned events =
      (one.wants(Interest::read) ? POLLIN : 0U) | (one.wants(Interest::write) ? POLLOUT : 0U);
  poll_for(user_data(Op::watched, static_cast<std::uint32_t>(name), one.generation), one.fd, events,
           false);
}

void UringDriver::unwatch(WatchId name) {
  Watched::One& one = watched_[name];
  queue_cancel(user_data(Op::watched, static_cast<std::uint32_t>(name), one.generation));
  ring_.submit_and_reap();  // the user may close the descriptor, and the poll would hold it open
  one.fd = -1;
}

// The ring's own descriptor becomes readable only after completions were requested. So this
// registers an eventfd, which the kernel writes to. It does not do so for completions that an
// eventfd has caused, therefore the waker writes to that eventfd, too.
NativeSocket UringDriver::pollable() {
  enable();
  if (!std::exchange(has_poll_eventfd_, true))
    io_uring_register_eventfd(ring_.native(), waker_.poll_eventfd());
  return {waker_.poll_eventfd()};
}

}}}  // namespace evio::v0::detail
