// The functions of the public class sim::Peer. Each is forwarded to PeerCore.
#include <evio/simulation.hpp>
#include <utility>

#include "simulation/peer_core.hpp"

namespace evio { inline namespace v0 { namespace sim {

using namespace detail;

void Peer::send(std::string_view bytes) { core_.send(bytes); }
void Peer::shutdown_write() { core_.shutdown_write(); }
void Peer::close() { core_.close(); }
void Peer::reset() { core_.reset(); }
void Peer::stop_reading() { core_.set_reading(false); }
void Peer::start_reading() { core_.set_reading(true); }
void Peer::stay_open() noexcept { core_.stay_open(); }

const std::string& Peer::received() const noexcept { return core_.received(); }
const std::vector<std::string>& Peer::datagrams() const noexcept { return core_.datagrams(); }
void Peer::forget_received() { core_.forget_received(); }
void Peer::when_changed(Callback<void(Peer&)> fn) { core_.when_changed(std::move(fn)); }

bool Peer::connected() const noexcept { return core_.connected(); }
bool Peer::ended() const noexcept { return core_.ended(); }
bool Peer::done() const noexcept { return core_.done(); }
std::error_code Peer::error() const noexcept {
  return core_.error() ? std::error_code(core_.error(), std::generic_category())
                       : std::error_code();
}
bool Peer::can_send() const noexcept { return core_.can_send(); }
std::size_t Peer::unsent() const noexcept { return core_.unsent(); }
const Address& Peer::address() const noexcept { return core_.address(); }

}}}  // namespace evio::v0::sim
