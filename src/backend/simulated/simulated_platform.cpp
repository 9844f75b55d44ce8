#include "backend/simulated/simulated_platform.hpp"

#include <evio/error.hpp>
#include <stdexcept>

namespace evio { inline namespace v0 { namespace detail {

Bound SimulatedPlatform::bind(const Address& address, bool reuseport, int backlog,
                              const Options& options) {
  if (address.is_udp()) {
    const PortId id = network_.bind_port(address, reuseport);
    return {.socket = {static_cast<std::intptr_t>(id) | port_mark},
            .address = network_.address(id)};
  }
  const NetListenerId id = network_.listen(address, reuseport, backlog, options);
  return {.socket = {static_cast<std::intptr_t>(id) | listener_mark},
          .address = network_.address(id)};
}

void SimulatedPlatform::retire(const Bound& bound) noexcept {
  if (bound.address.is_unix()) network_.unlink(bound.address);
}

namespace {

[[noreturn]] void refuse_real_socket() {
  throw Error(std::make_error_code(std::errc::not_supported), "",
              "a simulation does not support real sockets");
}

}  // namespace

Bound SimulatedPlatform::inherit(Socket, int, const Options&) { refuse_real_socket(); }
Socket SimulatedPlatform::duplicate(NativeSocket) { refuse_real_socket(); }

// Accepts only a socket that was detached in this world.
NativeSocket SimulatedPlatform::take_over(Socket&& socket) {
  const std::optional<SocketId> id = bridges_.take_back(socket.fd());
  if (!id) refuse_real_socket();
  return {static_cast<std::intptr_t>(*id)};
}

void SimulatedPlatform::discard(NativeSocket socket) noexcept {
  if (socket.value & listener_mark) return network_.close(id_of<NetListenerId>(socket));
  if (socket.value & port_mark) return network_.close(id_of<PortId>(socket));
  network_.close(id_of<SocketId>(socket), CloseMode::orderly);
}

std::unique_ptr<Driver> SimulatedPlatform::make_driver(Sink& sink, Waker& waker) {
  auto driver = std::make_unique<SimulatedDriver>(sink, static_cast<SimulatedWaker&>(waker), world_,
                                                  network_, bridges_);
  drivers_.push_back(driver.get());
  return driver;
}

void SimulatedPlatform::run(std::span<Runner* const>, const std::function<void()>&) {
  throw std::logic_error(
      "evio: a server in a simulation is run by Simulation::run or run_for, not by Server::run");
}

}}}  // namespace evio::v0::detail
