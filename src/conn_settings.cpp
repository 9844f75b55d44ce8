// What a connection is asked for and told beside its bytes: timers, addresses, options, values.
#include <utility>

#include "conn.hpp"
#include "handle_block.hpp"
#include "loop.hpp"
#include "server.hpp"
#include "validate.hpp"

namespace evio { inline namespace v0 { namespace detail {

// The timer belongs to the connection's group, so that it cannot outlive it.
Timer Connection::run_after(Duration delay, Callback<void(Conn&)> fn) {
  if (phase_ == Phase::finished) return {};
  return loop_.timers().run_after(delay, std::move(fn), *this, extra().timers);
}

void Connection::set_held(std::size_t bytes) {
  if (phase_ == Phase::finished || (!extra_ && bytes == 0)) return;
  loop_.hold(static_cast<std::ptrdiff_t>(bytes - std::exchange(extra().held, bytes)));
}

// Most peers are stored as IP and port only; the scheme is that of the listener's address.
Address Connection::remote() const {
  const Address* const known = extra_ ? extra_->peer.get() : nullptr;
  if (known && (flags_.outgoing || known->is_unix())) return *known;
  const Address& here = loop_.server().address(address_index_);
  if (here.is_unix()) return Address::from_path("");
  return Address::from_ip(here.scheme(), peer_ip_, peer_port_, known ? known->scope() : 0);
}

// Not cached: few programs need it, and it would take memory of each connection.
Address Connection::local() const {
  if (exchanges_datagrams() && datagram_end().socket)
    return loop_.driver().local_address(*datagram_end().socket);
  if (!flags_.attached) return {};
  Address own = loop_.driver().local_address(stream_);
  if (!own.has_ip() || flags_.outgoing) return own;
  return Address::from_ip(loop_.server().address(address_index_).scheme(), own.ip(), own.port(),
                          own.scope());
}

NativeSocket Connection::native() const {
  if (exchanges_datagrams() && datagram_end().socket)
    return loop_.driver().native(*datagram_end().socket);
  return flags_.attached ? loop_.driver().native(stream_) : NativeSocket{};
}

std::error_code Connection::set_in_kernel(const Options& options) {
  if (exchanges_datagrams() && datagram_end().socket)
    return loop_.driver().set_options(*datagram_end().socket, options);
  return flags_.attached ? loop_.driver().set_options(stream_, options) : std::error_code();
}

void Connection::set(const Options& options) {
  validate(options);
  if (phase_ == Phase::finished) return;
  if (const std::error_code error = set_in_kernel(options))
    throw Error(error, remote().to_string(), "the kernel rejects an option");
  if (options.idle_timeout) {
    extra().idle_timeout = options.idle_timeout;
    if (phase_ == Phase::open) {
      note_activity();
      extra().deadline.cancel();
      watch_idle(idle_timeout());
    }
  }
  if (options.read_when_congested) {
    extra().read_when_congested = options.read_when_congested;
    // Reading may resume.
    flags_.redeliver_input = flags_.redeliver_input || flags_.congested;
    loop_.schedule(*this);
  }
}

Attributes& Connection::values() {
  if (!extra().values) extra().values = std::make_unique<Attributes>();
  return *extra().values;
}

// Made with the first handle, since many connections never need one.
const std::shared_ptr<HandleBlock>& Connection::handle_block() {
  if (!extra().handle) {
    extra().handle =
        std::make_shared<HandleBlock>(loop_.tasks(), stream_, id(), limits().output_max);
    if (phase_ == Phase::finished) extra().handle->mark_gone();
    publish_pending();
  }
  return extra().handle;
}

}}}  // namespace evio::v0::detail
