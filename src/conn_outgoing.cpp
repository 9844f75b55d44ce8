// How an outgoing connection begins.
#include <utility>

#include "conn.hpp"
#include "handle_block.hpp"
#include "loop.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 { namespace detail {

Connection::Connection(LoopCore& loop, std::shared_ptr<const Events> events, const Address& to,
                       std::uint64_t id)
    : Conn(Kind::stream),
      phase_(Phase::connecting),
      loop_(loop),
      id_(id & id_mask),
      peer_ip_{},
      peer_port_(0),
      address_index_(0),
      activity_(loop.stamp()) {
  flags_.outgoing = true;
  extra().outgoing = std::make_unique<Outgoing>();
  extra().outgoing->events = std::move(events);
  extra().peer = std::make_unique<Address>(to);
}

// Server::connect gives the handle to its caller before the connection exists. The connection tells
// the handle its id here.
void Connection::use_handle(std::shared_ptr<HandleBlock> handle) {
  handle->set_stream(stream_);
  extra().handle = std::move(handle);
}

// If the loop has not started yet, make() follows at its start: see LoopCore::started.
void Connection::connect(std::shared_ptr<Reconnector> reconnector) {
  extra().outgoing->reconnector = std::move(reconnector);
  if (extra().peer->is_udp()) extra().outgoing->datagrams = std::make_unique<DatagramEnd>();
  extra().outgoing->connector =
      std::make_unique<Connector>(loop_, *this, *extra().peer, events().options);
  if (loop_.started()) make();
}

// `received` are bytes that the user has read from the socket but not used. They are delivered
// first.
void Connection::adopt(NativeSocket socket, std::string_view received) {
  store_input(received);
  flags_.redeliver_input = true;
  extra().outgoing->adopted = socket;
  if (loop_.started()) make();
}

// An adopted socket's `opened` is called by update() at the end of the batch, a connecting one's
// when it is connected.
void Connection::make() {
  if (phase_ != Phase::connecting) return;
  Outgoing& outgoing = *extra_->outgoing;
  if (outgoing.connector) {
    arm_deadline(limits().connect_timeout);
    return outgoing.connector->start();
  }
  flags_.attached = true;
  loop_.driver().open(stream_, std::exchange(outgoing.adopted, {}));
  loop_.schedule(*this);
}

void Connection::resolved(const Resolved& found) {
  if (extra_->outgoing->connector) extra_->outgoing->connector->resolved(found);
}

// `peer` replaces the name with the address that was reached. The connector is destroyed first,
// which abandons its other attempts.
void Connection::connected(NativeSocket socket, const Address& peer) {
  extra_->outgoing->connector.reset();
  extra_->deadline.cancel();
  *extra_->peer = peer;
  phase_ = Phase::open;
  if (exchanges_datagrams()) {
    begin_datagrams(socket);
  } else {
    flags_.attached = true;
    loop_.driver().open(stream_, socket);
  }
  if (extra_->outgoing->reconnector) extra_->outgoing->reconnector->opened();
  opened();
}

void Connection::notify_reconnector() {
  if (extra_ && extra_->outgoing && extra_->outgoing->reconnector)
    extra_->outgoing->reconnector->gone();
}

}}}  // namespace evio::v0::detail
