#include "datagram_peer.hpp"

#include "model.hpp"

namespace evio::test {

using namespace sim;

std::string DatagramPeer::text(std::size_t serial, std::size_t size) const {
  std::string text = std::to_string(number_) + ":" + std::to_string(serial) + ":";
  text.resize(text.size() + size, 'x');
  return text;
}

void DatagramPeer::send(std::size_t size) {
  const std::string bytes = size % 17 == 0 ? "" : text(++sent_, size % 3000);
  if (bytes.empty()) ++sent_;
  asked_.insert(bytes);
  peer_.send(bytes);
}

Action DatagramPeer::data(Conn& c, Input& in) {
  const Model::Inside inside(model_, "data of a datagram");
  const std::string bytes(in.view());
  ++seen_;
  if (!asked_.contains(bytes)) model_.fail("a datagram came that was not sent");
  if (c.remote() != peer_.address()) model_.fail("a datagram from the wrong address");
  if (c.local().port() != 5002 || c.local().host() != "127.0.0.1")
    model_.fail("a datagram to the wrong address");
  if (c.id() != 0 || !c.is_open()) model_.fail("a datagram looks like a connection");
  if (!bytes.empty()) {
    const std::size_t serial = std::stoul(bytes.substr(bytes.find(':') + 1));
    const Faults& faults = model_.setting.faults;
    if (faults.datagram_reordered == 0 && serial < last_serial_)
      model_.fail("datagrams out of order");
    if (faults.datagram_reordered == 0 && faults.datagram_duplicated == 0 && serial == last_serial_)
      model_.fail("a datagram came twice");
    last_serial_ = serial;
  }
  for (std::uint64_t i = model_.chance().below(3); i > 0; --i) {
    const std::string answer = "re:" + std::to_string(answered_ + refused_) + ":" + bytes;
    const bool by_handle = model_.chance()(0.3);
    answers_.insert(answer);
    const bool sent = by_handle ? c.handle().send(answer) : static_cast<bool>(c.write(answer));
    ++(sent ? answered_ : refused_);
    if (!sent && model_.setting.faults.datagram_refused == 0 && !model_.stopping())
      model_.fail("a datagram was not taken");
  }
  if (model_.chance()(0.1)) return Action::close;  // has no effect for a datagram
  return Action::none;
}

void DatagramPeer::check() {
  for (; checked_ < peer_.datagrams().size(); ++checked_)
    if (!answers_.contains(peer_.datagrams()[checked_]))
      model_.fail("a peer got a datagram that was not for it");
}

void DatagramPeer::check_at_end() {
  check();
  const Faults& faults = model_.setting.faults;
  if (faults.datagram_duplicated == 0 && seen_ > sent_)
    model_.fail("more datagrams seen than sent");
  if (!model_.flawless()) return;
  if (seen_ < sent_) model_.fail("a datagram that arrived was not seen");
  if (faults.datagram_refused == 0 && peer_.datagrams().size() < answered_)
    model_.fail("an answer did not arrive");
}

}  // namespace evio::test
