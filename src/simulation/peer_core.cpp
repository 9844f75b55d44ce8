#include "simulation/peer_core.hpp"

#include <utility>

namespace evio { inline namespace v0 { namespace detail {

namespace {

// Each peer has an IP address of its own, so that limits for each peer do not apply by accident. A
// peer of a unix socket has no address.
Address address_of(std::uint32_t number, const Address& to) {
  if (to.is_unix()) return Address::from_path("");
  const auto byte = [number](int shift) { return static_cast<std::uint8_t>(number >> shift); };
  Address::Ip ip{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, byte(16), byte(8), byte(0)};
  if (!to.is_ip4()) ip = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, byte(16), byte(8), byte(0)};
  const auto scheme = to.is_udp() ? Address::Scheme::udp : Address::Scheme::tcp;
  return Address::from_ip(scheme, ip, static_cast<std::uint16_t>(20'000 + number % 40'000));
}

}  // namespace

PeerCore::PeerCore(World& world, Network& network, const Address& to,
                   const std::optional<Address>& from, std::uint32_t number)
    : peer(*this),
      world_(world),
      network_(network),
      member_(world.join(*this)),
      number_(number),
      to_(Network::reachable(to)),
      address_(from ? *from : address_of(number, to_)) {
  if (to_.is_udp()) {
    port_ = network_.bind_port(address_, false);
    network_.hold(*port_, *this, number);
    connected_ = true;
    return;
  }
  world_.note(Note::connects, number);
  world_.schedule(member_, world_.now() + std::chrono::microseconds(world_.chance.upto(300)), 0);
}

PeerCore::~PeerCore() { world_.leave(member_); }

// ---- Connecting

void PeerCore::due(std::uint64_t) { try_connecting(); }

void PeerCore::try_connecting() {
  constexpr int attempts_max = 7;
  if (gave_up_) return;
  bool busy = false;
  if (!world_.happens(Fault::connect_failure)) socket_ = network_.connect(address_, to_, busy);
  if (socket_) {
    connected_ = true;
    ++world_.stats.connections;
    network_.hold(*socket_, *this, number_);
    if (!when_changed_) return;
    return tell();
  }
  if (busy && ++attempts_ < attempts_max) {  // as TCP retries when a backlog is full
    world_.schedule(member_, world_.now() + std::chrono::seconds(1 << attempts_), 0);
    return;
  }
  world_.note(Note::refused, number_);
  error_ = static_cast<int>(busy ? std::errc::timed_out : std::errc::connection_refused);
  tell();
}

// ---- Actions

void PeerCore::send(std::string_view bytes) {
  if (port_) return network_.send({.from = address_, .to = to_, .bytes = std::string(bytes)});
  if (!can_send()) return;
  outbox_.append(bytes);
  if (world_.happens(Fault::half_close)) end_asked_ = true;
  advance();
}

void PeerCore::shutdown_write() {
  end_asked_ = true;
  advance();
}

void PeerCore::close() {
  closing_ = end_asked_ = true;
  reading_ = false;
  if (!connected_) gave_up_ = true;
  advance();
}

void PeerCore::reset() {
  if (!connected_) gave_up_ = true;
  if (socket_) leave(CloseMode::abort);
}

void PeerCore::set_reading(bool reading) {
  reading_ = reading;
  if (reading && socket_) stirred(0);
}

void PeerCore::forget_received() {
  std::string().swap(received_);
  datagrams_.clear();
}

std::size_t PeerCore::unsent() const noexcept { return outbox_.size(); }

// ---- Events

void PeerCore::stirred(std::uint32_t) {
  if (!socket_) return;
  const bool changed = receive();
  if (socket_) advance();
  if (changed) tell();
}

// Like a connected udp socket, it ignores datagrams from other addresses.
void PeerCore::stirred_port(std::uint32_t) {
  for (auto& mails = network_.mails(*port_); reading_ && !mails.empty(); mails.pop_front()) {
    const Address& from = mails.front().from;
    if (from.ip() != to_.ip() || from.port() != to_.port()) continue;
    received_ += mails.front().bytes;
    datagrams_.push_back(std::move(mails.front().bytes));
  }
  tell();
}

// An error is noticed only after the unread bytes, as by a program that reads until it fails.
bool PeerCore::receive() {
  bool changed = false;
  if (reading_) {
    const std::string_view unread = network_.unread(*socket_);
    changed = !unread.empty();
    received_ += unread;
    if (changed) network_.consume(*socket_, unread.size());
    if (!ended_ && network_.ended(*socket_)) {
      changed = ended_ = true;
      if (!stays_open_) end_asked_ = true;
    }
  }
  if (const int error = network_.error(*socket_);
      error && (reading_ || network_.unread(*socket_).empty())) {
    error_ = error;
    leave(CloseMode::orderly);
    changed = true;
  }
  return changed;
}

void PeerCore::advance() {
  if (!socket_) return;
  flush();
  if (outbox_.empty() && end_asked_ && !std::exchange(end_sent_, end_asked_))
    network_.end(*socket_);
  if (outbox_.empty() && (closing_ || (end_sent_ && ended_))) leave(CloseMode::orderly);
}

void PeerCore::flush() {
  while (!outbox_.empty()) {
    const std::size_t sent = network_.send(*socket_, outbox_.view());
    if (sent == 0) return;
    outbox_.consume(sent);
  }
}

void PeerCore::leave(CloseMode mode) {
  network_.close(*std::exchange(socket_, std::nullopt), mode);
  outbox_.clear();
}

void PeerCore::tell() {
  if (when_changed_) when_changed_(peer);
}

}}}  // namespace evio::v0::detail
