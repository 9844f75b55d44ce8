// How a connection of our own making begins.
#include <utility>

#include "conn.hpp"
#include "handle_block.hpp"
#include "loop.hpp"
#include "server.hpp"

namespace evio::inline v1 {

Connection::Connection(LoopCore& loop, std::shared_ptr<const Events> events, const Address& to, std::uint64_t id)
    : Conn(Kind::stream),
      phase_(Phase::connecting),
      loop_(loop),
      id_(id),
      peer_ip_{},
      peer_port_(0),
      address_index_(0),
      activity_(loop.stamp()) {
  flags_.outgoing = true;
  rare().outgoing = std::make_unique<Outgoing>();
  rare().outgoing->events = std::move(events);
  rare().peer = std::make_unique<Address>(to);
}

void Connection::use_handle(std::shared_ptr<HandleBlock> handle) {
  handle->set_stream(stream_);
  rare().handle = std::move(handle);
}

void Connection::connect(std::shared_ptr<Keeper> keeper) {
  rare().outgoing->keeper = std::move(keeper);
  if (rare().peer->is_udp()) rare().outgoing->datagrams = std::make_unique<DatagramEnd>();
  rare().outgoing->dialer = std::make_unique<Dialer>(loop_, *this, *rare().peer, events().options);
  if (loop_.started()) make();
}

void Connection::adopt(NativeSocket socket, std::string_view received) {
  keep(received);
  flags_.offer = true;
  rare().outgoing->adopted = socket;
  if (loop_.started()) make();
}

// Its `opened` comes with the batch, or when it is connected.
void Connection::make() {
  if (phase_ != Phase::connecting) return;
  Outgoing& outgoing = *rare_->outgoing;
  if (outgoing.dialer) {
    arm_deadline(limits().connect);
    return outgoing.dialer->start();
  }
  flags_.attached = true;
  loop_.driver().open(stream_, std::exchange(outgoing.adopted, {}));
  loop_.touch(*this);
}

void Connection::resolved(const Resolved& found) {
  if (rare_->outgoing->dialer) rare_->outgoing->dialer->resolved(found);
}

void Connection::connected(NativeSocket socket, const Address& peer) {
  rare_->outgoing->dialer.reset();
  rare_->deadline.cancel();
  *rare_->peer = peer;
  phase_ = Phase::open;
  if (exchanges_datagrams()) {
    begin_datagrams(socket);
  } else {
    flags_.attached = true;
    loop_.driver().open(stream_, socket);
  }
  if (rare_->outgoing->keeper) rare_->outgoing->keeper->opened();
  opened();
}

void Connection::tell_keeper() {
  if (rare_ && rare_->outgoing && rare_->outgoing->keeper) rare_->outgoing->keeper->gone();
}

}  // namespace evio::inline v1
