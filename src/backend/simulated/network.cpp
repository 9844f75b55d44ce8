#include "backend/simulated/network.hpp"

#include <algorithm>
#include <evio/error.hpp>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {

namespace {

constexpr std::uint64_t generation_mask = 0x3fffffff;

int code(std::errc error) { return static_cast<int>(error); }

bool any_host(const Address& address) {
  static constexpr Address::Ip ip4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return address.host().empty() ||
         (address.has_ip() && (address.ip() == Address::Ip{} || address.ip() == ip4));
}

// An address with a normal form of its scheme, for comparisons: tcp4 and tcp reach the same place.
Address place(const Address& address) {
  if (!address.has_ip()) return address;
  return Address::from_ip(address.is_udp() ? Address::Scheme::udp : Address::Scheme::tcp,
                          address.ip(), address.port());
}

bool family_fits(const Address& bound, const Address& to) {
  using enum Address::Scheme;
  if (bound.scheme() == tcp4 || bound.scheme() == udp4) return to.is_ip4();
  if (bound.scheme() == tcp6 || bound.scheme() == udp6) return !to.is_ip4();
  return true;
}

bool leads_to(const Address& bound, const Address& to) {
  if (bound.is_unix() || to.is_unix())
    return bound.is_unix() && to.is_unix() && bound.host() == to.host();
  if (bound.is_udp() != to.is_udp() || bound.port() != to.port()) return false;
  return any_host(bound) ? family_fits(bound, to) : bound.ip() == to.ip();
}

bool clash(const Address& a, const Address& b) {
  if (a.is_unix() || b.is_unix()) return a.is_unix() && b.is_unix() && a.host() == b.host();
  return a.is_udp() == b.is_udp() && a.port() == b.port() &&
         (any_host(a) || any_host(b) || a.ip() == b.ip());
}

[[noreturn]] void refuse(const Address& address) {
  throw Error(std::make_error_code(std::errc::address_in_use), address.to_string(), "cannot bind");
}

// Resolves a name for binding. A wildcard address stays one.
Address resolved(const Address& address) {
  if (address.is_unix() || address.has_ip() || address.host().empty()) return address;
  return Network::reachable(address);
}

}  // namespace

Network::Network(World& world) : world_(world), member_(world.join(*this)) {}
Network::~Network() { world_.leave(member_); }

// ---- Listening

Address Network::with_free_port(const Address& address) {
  if (address.is_unix() || address.port() != 0) return address;
  return address.with_port(next_port_++);
}

NetListenerId Network::listen(const Address& asked, bool reuseport, int backlog,
                              const Options& options) {
  const Address address = with_free_port(resolved(asked));
  for (const ListenerState& listener_state : listeners_)
    if (listener_state.open && listener_state.linked && clash(listener_state.address, address) &&
        !(listener_state.reuseport && reuseport))
      refuse(asked);
  listeners_.push_back({.address = address,
                        .reuseport = reuseport,
                        .backlog = static_cast<std::size_t>(std::max(backlog, 1)),
                        .options = options});
  return static_cast<NetListenerId>(listeners_.size() - 1);
}

void Network::hold(NetListenerId id, SocketHolder& holder, std::uint32_t name) {
  ListenerState& listener_state = listeners_[index(id)];
  listener_state.holder = &holder;
  listener_state.name = name;
  if (!listener_state.queue.empty()) holder.stirred_listener(name);
}

SocketId Network::accept(NetListenerId id) {
  ListenerState& listener_state = listeners_[index(id)];
  const SocketId accepted = listener_state.queue.front();
  listener_state.queue.pop_front();
  return accepted;
}

void Network::close(NetListenerId id) {
  ListenerState& listener_state = listeners_[index(id)];
  listener_state.open = false;
  listener_state.holder = nullptr;
  for (const SocketId waiting : std::exchange(listener_state.queue, {}))
    close(waiting, CloseMode::abort);
}

void Network::unlink(const Address& path) noexcept {
  for (ListenerState& listener_state : listeners_)
    if (listener_state.address.is_unix() && listener_state.address.host() == path.host())
      listener_state.linked = false;
}

// ---- Connecting

Address Network::reachable(const Address& address) {
  if (address.is_unix()) return address;
  using enum Address::Scheme;
  const bool six = address.scheme() == tcp6 || address.scheme() == udp6;
  const bool here = any_host(address) || address.host() == "localhost";
  if (!here && !address.has_ip())
    throw Error(std::make_error_code(std::errc::not_supported), address.to_string(),
                "names cannot be looked up in a simulation: give an IP address");
  if (!here) return address;
  Address::Ip ip{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  if (six) ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return Address::from_ip(address.scheme(), ip, address.port());
}

// If several listeners share the address, one is chosen at random, like by the kernel's hash.
std::optional<NetListenerId> Network::find_listener(const Address& to) {
  std::optional<NetListenerId> found;
  std::uint64_t candidates = 0;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    const ListenerState& listener_state = listeners_[i];
    if (!listener_state.open || !listener_state.linked || !leads_to(listener_state.address, to))
      continue;
    if (++candidates == 1 || world_.chance.below(candidates) == 0)
      found = static_cast<NetListenerId>(i);
  }
  return found;
}

SocketId Network::make_link() {
  if (free_links_.empty()) {
    free_links_.push_back(static_cast<std::uint32_t>(links_.size()));
    links_.emplace_back();
  }
  const std::uint32_t free = free_links_.back();
  free_links_.pop_back();
  return static_cast<SocketId>(free * 2);
}

SocketId Network::broken() {
  const SocketId made = make_link();
  side(other(made)).closed = true;
  side(made).error = code(std::errc::connection_reset);
  link(made).broken = true;
  ++open_sides_;
  return made;
}

std::optional<SocketId> Network::connect(const Address& from, const Address& to, bool& busy) {
  const std::optional<NetListenerId> listener = find_listener(to);
  busy = false;
  if (!listener) return std::nullopt;
  ListenerState& listener_state = listeners_[index(*listener)];
  busy = listener_state.queue.size() >= listener_state.backlog;
  if (busy) return std::nullopt;
  const SocketId first = make_link();
  link(first).addresses[0] = from;
  link(first).addresses[1] = place(to);
  open_sides_ += 2;
  set_buffers(other(first), listener_state.options);
  listener_state.queue.push_back(other(first));
  if (listener_state.holder) listener_state.holder->stirred_listener(listener_state.name);
  return first;
}

// ---- Connections

// The generation detects events of an earlier connection that used the same link.
void Network::schedule(What what, SocketId id, Duration delay) {
  const std::uint64_t generation = link(id).generation & generation_mask;
  world_.schedule(member_, world_.now() + delay,
                  static_cast<std::uint64_t>(what) << 62 | generation << 32 |
                      static_cast<std::uint64_t>(index(id)));
}

void Network::due(std::uint64_t what) {
  const auto number = static_cast<std::uint32_t>(what);
  const auto kind = static_cast<What>(what >> 62);
  if (kind == What::mail) {
    free_mail_.push_back(number);
    return deliver(std::move(mail_under_way_[number]));
  }
  const auto id = static_cast<SocketId>(number);
  if ((link(id).generation & generation_mask) != (what >> 32 & generation_mask)) return;
  if (kind == What::move) return move(id);
  // The same error codes as on Linux.
  break_side(id, code(side(id).end_arrived ? std::errc::broken_pipe : std::errc::connection_reset));
}

// A base latency with jitter; faults add long delays.
Duration Network::latency() {
  auto time = std::chrono::microseconds(10 + world_.chance.below(200));
  if (world_.happens(Fault::delay))
    time += std::chrono::microseconds(world_.chance.upto(1'000'000));
  if (world_.happens(Fault::stall)) time += std::chrono::milliseconds(world_.chance.upto(30'000));
  return time;
}

void Network::hold(SocketId id, SocketHolder& holder, std::uint32_t name) {
  side(id).holder = &holder;
  side(id).name = name;
  holder.stirred(name);
}

const Address& Network::local(SocketId id) const noexcept {
  return link(id).addresses[index(id) % 2];
}

void Network::set_buffers(SocketId id, const Options& options) {
  if (options.receive_buffer)
    side(id).unread_max =
        static_cast<std::uint32_t>(std::max<std::size_t>(*options.receive_buffer, 1));
  if (options.send_buffer)
    side(id).unsent_max =
        static_cast<std::uint32_t>(std::max<std::size_t>(*options.send_buffer, 1));
}

std::size_t Network::room(SocketId id) const noexcept {
  const Side& from = side(id);
  if (from.error || from.end_asked || link(id).broken) return 0;
  return from.unsent_max > from.unsent.size() ? from.unsent_max - from.unsent.size() : 0;
}

std::size_t Network::send(SocketId id, std::string_view bytes) {
  bytes = bytes.substr(0, room(id));
  if (bytes.empty()) return 0;
  side(id).unsent.append(bytes);
  start_moving(id);
  return bytes.size();
}

std::size_t Network::send(SocketId id, std::span<const Chunk> chunks, std::size_t most) {
  std::size_t sent = 0;
  for (const Chunk& chunk : chunks) {
    const std::string_view bytes(chunk.data, std::min(chunk.size, most - sent));
    const std::size_t taken = send(id, bytes);
    sent += taken;
    if (taken < bytes.size() || sent == most) break;
  }
  return sent;
}

void Network::end(SocketId id) {
  if (side(id).end_asked) return;
  side(id).end_asked = true;
  start_moving(id);
}

void Network::consume(SocketId id, std::size_t count) {
  side(id).unread.consume(count);
  const Side& from = side(other(id));
  if (!from.unsent.empty()) start_moving(other(id));
}

bool Network::is_drained(SocketId id) const noexcept {
  return side(id).unsent.empty() && side(id).unread.empty();
}

void Network::start_moving(SocketId id) {
  if (std::exchange(side(id).moving, true)) return;
  schedule(What::move, id, latency());
}

// Moves a part of the unsent bytes to the other side, as far as that has room, and then the end, if
// it was requested. Parts are random, so that the receiver sees all kinds of boundaries.
void Network::move(SocketId id) {
  Side& from = side(id);
  Side& to = side(other(id));
  from.moving = false;
  if (link(id).broken || from.error) return;
  if (!from.unsent.empty() && world_.happens(Fault::reset)) return break_both(id);
  if (to.closed) {  // bytes that arrive at a closed socket cause a reset
    if (!from.unsent.empty()) schedule(What::reset, id, latency());
    return;
  }
  const std::size_t window =
      to.unread_max > to.unread.size() ? to.unread_max - to.unread.size() : 0;
  std::size_t count = std::min(from.unsent.size(), window);
  if (count > 1 && world_.chance.below(4) == 0) count = world_.chance.upto(count);
  if (count > 0) {
    world_.note(Note::moves, index(id), count);
    to.unread.append(from.unsent.view().substr(0, count));
    from.unsent.consume(count);
  }
  const bool ends = from.unsent.empty() && from.end_asked && !to.end_arrived;
  if (ends) {
    world_.note(Note::ends, index(id));
    to.end_arrived = true;
  }
  if (!from.unsent.empty() && window > count) start_moving(id);
  const std::uint32_t generation = link(id).generation;
  if (count > 0 || ends) stir(other(id));
  if (count > 0 && link(id).generation == generation) stir(id);
}

void Network::stir(SocketId id) {
  const Side& of = side(id);
  if (of.holder) of.holder->stirred(of.name);
}

// The two sides may see different errors, and each may lose bytes that had arrived, as on a real
// network.
void Network::break_both(SocketId id) {
  constexpr std::errc errors[] = {std::errc::connection_reset, std::errc::timed_out,
                                  std::errc::broken_pipe, std::errc::host_unreachable};
  const std::uint32_t generation = link(id).generation;
  for (Side& each : link(id).sides)
    if (world_.chance.below(2) == 0) each.unread.clear();
  break_side(id, code(errors[world_.chance.below(4)]));
  if (link(id).generation == generation)
    break_side(other(id), code(errors[world_.chance.below(4)]));
}

// Bytes that it has received can still be read.
void Network::break_side(SocketId id, int error) {
  Side& of = side(id);
  if (of.error || of.closed) return;
  world_.note(Note::breaks, index(id), static_cast<std::uint64_t>(error));
  of.error = error;
  link(id).broken = true;
  of.unsent.clear();
  stir(id);
}

// As in a real kernel, closing with unread bytes sends a reset, which may destroy bytes in flight.
void Network::close(SocketId id, CloseMode mode) {
  Side& of = side(id);
  of.closed = true;
  of.holder = nullptr;
  --open_sides_;
  const bool reset = mode == CloseMode::abort || !of.unread.empty();
  of.unread.clear();
  Side& peer = side(other(id));
  if (!peer.closed && !of.error) {
    if (reset) {
      of.unsent.clear();
      of.end_asked = false;
      schedule(What::reset, other(id), latency());
    } else {
      end(id);
      if (!peer.unsent.empty()) start_moving(other(id));
    }
  }
  free_if_done(id);
}

void Network::give_back(SocketId id, std::string_view unread, std::string_view sent) {
  Side& of = side(id);
  of.holder = nullptr;
  of.unread.prepend(unread);
  if (of.error || sent.empty()) return;
  of.unsent.append(sent);
  start_moving(id);
}

// A link can be used again when both sides are closed. Its generation increases, for schedule().
void Network::free_if_done(SocketId id) {
  Link& done = link(id);
  if (!done.sides[0].closed || !done.sides[1].closed) return;
  const std::uint32_t generation = done.generation + 1;
  done = Link();
  done.generation = generation;
  free_links_.push_back(static_cast<std::uint32_t>(index(id) / 2));
}

// ---- Datagrams

// Ports with a wildcard address or reuseport are found by searching; others by a hash table, since
// a simulation may have very many peers.
PortId Network::bind_port(const Address& asked, bool reuseport) {
  const Address address = with_free_port(resolved(asked));
  for (const Port& port : ports_)
    if (port.open && any_host(port.address) && clash(port.address, address) &&
        !(port.reuseport && reuseport))
      refuse(asked);
  const auto id = static_cast<PortId>(ports_.size());
  const bool single = !any_host(address) && !reuseport;
  if (single && !ports_by_address_.emplace(place(address), id).second) refuse(asked);
  if (!single) wildcard_ports_.push_back(id);
  ports_.push_back({.address = address, .reuseport = reuseport});
  return id;
}

void Network::hold(PortId id, SocketHolder& holder, std::uint32_t name) {
  Port& port = ports_[index(id)];
  port.holder = &holder;
  port.name = name;
  if (!port.mails.empty()) holder.stirred_port(name);
}

// If several ports share the address, one sender always reaches the same port.
std::optional<PortId> Network::find_port(const Address& to, const Address& from) {
  const auto found = ports_by_address_.find(place(to));
  if (found != ports_by_address_.end()) return found->second;
  std::vector<PortId> candidates;
  for (const PortId id : wildcard_ports_)
    if (ports_[index(id)].open && leads_to(ports_[index(id)].address, to)) candidates.push_back(id);
  if (candidates.empty()) return std::nullopt;
  return candidates[from.port() % candidates.size()];
}

// All datagrams have the same latency, so their order changes only by a fault.
void Network::send(const Packet& mail) {
  ++world_.stats.datagrams;
  if (world_.happens(Fault::datagram_lost)) return;
  const int copies = world_.happens(Fault::datagram_duplicated) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Duration time = std::chrono::microseconds(100);
    if (world_.happens(Fault::datagram_reordered))
      time += std::chrono::microseconds(world_.chance.upto(50'000));
    if (free_mail_.empty()) {
      free_mail_.push_back(static_cast<std::uint32_t>(mail_under_way_.size()));
      mail_under_way_.emplace_back();
    }
    const std::uint32_t free = free_mail_.back();
    free_mail_.pop_back();
    mail_under_way_[free] = mail;
    world_.schedule(member_, world_.now() + time,
                    static_cast<std::uint64_t>(What::mail) << 62 | free);
  }
}

void Network::deliver(Packet mail) {
  constexpr std::size_t queue_max = 512;
  const std::optional<PortId> id = find_port(mail.to, mail.from);
  if (!id) return bounce(mail);
  Port& port = ports_[index(*id)];
  if (!port.open || port.mails.size() >= queue_max) return;
  if (port.peer && place(*port.peer) != place(mail.from)) return;
  world_.note(Note::datagram, index(*id), mail.bytes.size());
  port.mails.push_back(std::move(mail));
  if (port.holder) port.holder->stirred_port(port.name);
}

// No socket receives at the destination. That is reported to a sender that is connected to it.
void Network::bounce(const Packet& mail) {
  const auto sender = ports_by_address_.find(place(mail.from));
  if (sender == ports_by_address_.end()) return;
  Port& port = ports_[index(sender->second)];
  port.refused = port.open && port.peer && place(*port.peer) == place(mail.to);
}

void Network::close(PortId id) {
  Port& port = ports_[index(id)];
  port.open = false;
  port.holder = nullptr;
  port.mails.clear();
  ports_by_address_.erase(place(port.address));
  std::erase(wildcard_ports_, id);
}

}}}  // namespace evio::v0::detail
