#include "backend/simulated/simulated_driver.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {

namespace {

constexpr std::size_t share_of_a_turn = 64 << 10;
constexpr std::size_t landed_max = 256 << 10;
constexpr std::size_t datagram_max = 65'507;
constexpr int datagrams_in_a_turn = 64;
constexpr int accepts_in_a_turn = 16;

// The library has broken a rule of driver.hpp. What follows would be meaningless, so this stops the
// program.
[[noreturn]] void broke_a_rule(const char* rule) {
  std::fprintf(stderr, "evio: the simulated driver's user broke a rule: %s\n", rule);
  std::abort();
}

std::size_t size_of(std::span<const Chunk> chunks) {
  std::size_t size = 0;
  for (const Chunk& chunk : chunks) size += chunk.size;
  return size;
}

}  // namespace

SimulatedDriver::SimulatedDriver(Sink& sink, SimulatedWaker& waker, World& world, Network& network,
                                 Bridges& bridges)
    : sink_(sink),
      waker_(waker),
      world_(world),
      network_(network),
      bridges_(bridges),
      member_(world.join(*this)),
      connects_(world, network) {}

SimulatedDriver::~SimulatedDriver() {
  world_.leave(member_);
  for (Slot& slot : slots_)
    if (slot.used) network_.close(slot.socket, CloseMode::abort);
  for (const ListenerState& listener_state : listeners_)
    if (listener_state.open) network_.close(listener_state.id);
  for (const Port& port : ports_)
    if (port.open) network_.close(port.id);
}

// ---- Listeners

void SimulatedDriver::accept_from(ListenerId listener, NativeSocket socket) {
  const auto index = static_cast<std::uint32_t>(listener);
  if (index >= listeners_.size()) listeners_.resize(index + 1);
  if (listeners_[index].open) broke_a_rule("a listener's name is used twice");
  listeners_[index] = {.id = id_of<NetListenerId>(socket), .open = true};
  network_.hold(listeners_[index].id, *this, index);
}

void SimulatedDriver::set_accepting(ListenerId listener, bool accepting) {
  ListenerState& listener_state = listeners_[static_cast<std::uint32_t>(listener)];
  if (!listener_state.open) broke_a_rule("a closed listener is to accept");
  if (listener_state.accepting && !accepting && world_.happens(Fault::late_accept))
    listener_state.late = 2;
  listener_state.accepting = accepting;
}

void SimulatedDriver::close_listener(ListenerId listener) {
  ListenerState& listener_state = listeners_[static_cast<std::uint32_t>(listener)];
  if (!listener_state.open) broke_a_rule("a listener is closed twice");
  listener_state.open = false;
  network_.close(listener_state.id);
}

// ---- Datagrams

void SimulatedDriver::bind_datagram(UdpSocketId socket, NativeSocket native) {
  const auto index = static_cast<std::uint32_t>(socket);
  if (index >= ports_.size()) ports_.resize(index + 1);
  ports_[index] = {.id = id_of<PortId>(native), .open = true};
  network_.hold(ports_[index].id, *this, index);
}

bool SimulatedDriver::send_to(UdpSocketId socket, const Datagram& datagram) {
  const Port& port = this->port(socket);
  if (!port.open) broke_a_rule("a datagram is sent from a closed socket");
  if (datagram.bytes.size() > datagram_max || world_.happens(Fault::datagram_refused)) return false;
  world_.stats.from_servers += datagram.bytes.size();
  ++tally_.sent;
  tally_.bytes += datagram.bytes.size();
  const Address& from = datagram.from == Address() ? network_.address(port.id) : datagram.from;
  network_.send({.from = from, .to = datagram.to, .bytes = std::string(datagram.bytes)});
  return true;
}

void SimulatedDriver::close_datagram(UdpSocketId socket) {
  Port& port = ports_[static_cast<std::uint32_t>(socket)];
  port.open = false;
  network_.close(port.id);
}

// ---- ConnectAttempts and watches

void SimulatedDriver::connect(ConnectId id, const Address& to, const Options& options) {
  if (!connects_.connect(id, to, options))
    broke_a_rule("an attempt's name is used while the attempt that had it goes on");
}

void SimulatedDriver::cancel(ConnectId id) {
  if (!connects_.cancel(id)) broke_a_rule("an attempt is cancelled that is over");
}

// Not supported: the user's descriptors are real, and become ready in real time.
std::error_code SimulatedDriver::watch(WatchId, NativeSocket, Interest) {
  return std::make_error_code(std::errc::not_supported);
}

// ---- Streams: down calls

SimulatedDriver::Slot& SimulatedDriver::slot(StreamId stream) {
  const auto index = static_cast<std::uint32_t>(stream);
  if (index >= slots_.size() || !slots_[index].used)
    broke_a_rule("a down call for a stream that is gone");
  return slots_[index];
}

void SimulatedDriver::check_nothing_in_flight(const Slot& slot) const {
  if (slot.fate == Fate::closing) broke_a_rule("a down call after close");
  if (slot.fate == Fate::detaching) broke_a_rule("a down call after detach");
  if (slot.sending)
    broke_a_rule("one send in flight a stream, and nothing that must come behind it");
}

void SimulatedDriver::open(StreamId stream, NativeSocket socket) {
  const auto index = static_cast<std::uint32_t>(stream);
  if (index >= slots_.size()) slots_.resize(index + 1);
  Slot& slot = slots_[index];
  if (slot.used) broke_a_rule("a stream's name is used while the stream that had it lives");
  const bool listed = slot.listed;
  slot = Slot{.socket = id_of<SocketId>(socket), .generation = slot.generation + 1, .used = true};
  slot.listed = listed;
  network_.hold(slot.socket, *this, index);
}

// The fault short_write stands for a kernel buffer that is nearly full.
std::size_t SimulatedDriver::take(Slot& slot, std::span<const Chunk> chunks) {
  std::size_t most = size_of(chunks);
  if (most == 0) broke_a_rule("a send of nothing");
  if (most > 1 && world_.happens(Fault::short_write)) most = world_.chance.upto(most - 1);
  const std::size_t taken = network_.send(slot.socket, chunks, most);
  world_.stats.from_servers += taken;
  if (taken > 0) world_.note(Note::sends, static_cast<std::uint64_t>(slot.socket), taken);
  return taken;
}

std::size_t SimulatedDriver::send_now(StreamId stream, std::span<const Chunk> chunks) {
  Slot& to = slot(stream);
  check_nothing_in_flight(to);
  if (world_.happens(Fault::late_send)) return 0;
  return take(to, chunks);
}

// With the fault late_send the send stays in flight first, as with io_uring.
std::size_t SimulatedDriver::send(StreamId stream, std::span<const Chunk> chunks) {
  Slot& to = slot(stream);
  check_nothing_in_flight(to);
  const bool late = world_.happens(Fault::late_send);
  if (!late)
    if (const std::size_t taken = take(to, chunks)) return taken;
  to.sending = true;
  to.send_begun = !late;
  to.chunks = chunks;
  to.sent = 0;
  if (late) schedule(to, static_cast<std::uint32_t>(stream), false);
  return 0;
}

void SimulatedDriver::go_on_sending(Slot& slot) {
  if (!slot.sending || !slot.send_begun || slot.sent > 0 || slot.fate == Fate::closing) return;
  slot.sent = take(slot, slot.chunks);
}

// Bytes that had arrived before receiving is stopped may still be delivered: rule 5 of driver.hpp.
void SimulatedDriver::set_receiving(StreamId stream, bool receiving) {
  Slot& of = slot(stream);
  if (of.fate == Fate::closing) broke_a_rule("a down call after close");
  if (of.fate == Fate::detaching && receiving) broke_a_rule("receiving after detach");
  if (of.end_told && receiving) broke_a_rule("receiving after the end");
  const bool stops = of.receiving && !receiving;
  of.receiving = receiving;
  list(static_cast<std::uint32_t>(stream));
  if (!stops || !of.landed.empty() || of.end_landed || !world_.happens(Fault::late_receive)) return;
  const std::string_view unread = network_.unread(of.socket);
  of.landed = unread.substr(0, std::min(world_.chance.below(unread.size() + 1), landed_max));
  network_.consume(of.socket, of.landed.size());
  const bool at_end =
      network_.unread(of.socket).empty() && network_.ended(of.socket) && !of.end_told;
  of.end_landed = at_end && world_.chance.below(2) == 0;
}

void SimulatedDriver::shutdown_send(StreamId stream) {
  Slot& of = slot(stream);
  check_nothing_in_flight(of);
  network_.end(of.socket);
}

bool SimulatedDriver::is_drained(StreamId stream) {
  const Slot& of = slot(stream);
  return !of.sending && of.landed.empty() && network_.is_drained(of.socket);
}

// With the fault late_close the stream has an operation outstanding, whose end must be awaited, as
// with io_uring. The same applies to close().
void SimulatedDriver::detach(StreamId stream) {
  Slot& leaving = slot(stream);
  check_nothing_in_flight(leaving);
  leaving.fate = Fate::detaching;
  leaving.cancelled = !world_.happens(Fault::late_close);
  list(static_cast<std::uint32_t>(stream));
  if (!leaving.cancelled) schedule(leaving, static_cast<std::uint32_t>(stream), true);
}

void SimulatedDriver::close(StreamId stream, CloseMode mode) {
  Slot& leaving = slot(stream);
  if (leaving.fate == Fate::closing) broke_a_rule("a second close");
  world_.note(Note::closes, static_cast<std::uint64_t>(leaving.socket), mode == CloseMode::abort);
  leaving.fate = Fate::closing;
  leaving.mode = mode;
  leaving.cancelled = !world_.happens(Fault::late_close);
  list(static_cast<std::uint32_t>(stream));
  if (!leaving.cancelled) schedule(leaving, static_cast<std::uint32_t>(stream), true);
}

std::error_code SimulatedDriver::set_options(StreamId stream, const Options& options) {
  network_.set_buffers(slot(stream).socket, options);
  return {};
}

Address SimulatedDriver::local_address(StreamId stream) {
  return network_.local(slot(stream).socket);
}

// ---- The kernel

// Schedules the moment at which a stream that closes has no outstanding operation any more
// (`late`), or at which the kernel begins with a send.
void SimulatedDriver::schedule(const Slot& slot, std::uint32_t index, bool late) {
  const Duration time =
      std::chrono::microseconds(world_.chance.upto(world_.chance.below(8) == 0 ? 200'000 : 500));
  const std::uint64_t what =
      static_cast<std::uint64_t>(late) << 63 | (slot.generation & 0x7fffffffULL) << 32 | index;
  world_.schedule(member_, world_.now() + time, what);
}

void SimulatedDriver::due(std::uint64_t what) {
  const auto index = static_cast<std::uint32_t>(what);
  Slot& of = slots_[index];
  if (!of.used || (of.generation & 0x7fffffff) != (what >> 32 & 0x7fffffff)) return;
  if (what >> 63)
    of.cancelled = true;
  else
    of.send_begun = true;
  stirred(index);
}

void SimulatedDriver::stirred(std::uint32_t name) {
  go_on_sending(slots_[name]);
  list(name);
}

void SimulatedDriver::list(std::uint32_t index) {
  if (std::exchange(slots_[index].listed, true)) return;
  news_.push_back(index);
}

bool SimulatedDriver::has_news(const Slot& slot) const {
  if (!slot.used) return false;
  if (slot.fate == Fate::closing) return slot.cancelled;
  if (!slot.landed.empty() || slot.end_landed || network_.error(slot.socket)) return true;
  if (slot.sending && slot.sent > 0) return true;
  if (slot.fate == Fate::detaching) return slot.cancelled;
  if (!slot.receiving) return false;
  return !network_.unread(slot.socket).empty() || (network_.ended(slot.socket) && !slot.end_told);
}

bool SimulatedDriver::has_news(const ListenerState& listener_state) const {
  return listener_state.open && (listener_state.accepting || listener_state.late > 0) &&
         network_.anybody_waits(listener_state.id);
}

// Removes streams from the list that have nothing to report. False if nothing at all is to be
// reported.
bool SimulatedDriver::prune() {
  std::erase_if(news_, [this](std::uint32_t index) {
    Slot& slot = slots_[index];
    slot.listed = has_news(slot);
    return !slot.listed;
  });
  if (!news_.empty() || connects_.any_news()) return true;
  for (const ListenerState& listener_state : listeners_)
    if (has_news(listener_state)) return true;
  for (const Port& port : ports_)
    if (port.open && (!network_.mails(port.id).empty() || network_.refused(port.id))) return true;
  return false;
}

bool SimulatedDriver::wants_turn() {
  return !parked_ || waker_.woken || parked_until_ <= world_.now() || prune();
}

// ---- Polling

PollResult SimulatedDriver::poll(Duration deadline) {
  if (std::exchange(polling_, true)) broke_a_rule("poll inside poll");
  world_.advance(Duration(100 + world_.chance.below(2000)));  // a system call takes time
  world_.run_due();
  const bool news = prune();
  const bool done =
      news || waker_.woken || deadline <= world_.now() || world_.happens(Fault::stray_wake);
  const bool slept = std::exchange(parked_, !done);
  polling_ = false;
  if (parked_) {
    parked_until_ = deadline;
    return {.parked = true};
  }
  polling_ = true;
  const bool woken = std::exchange(waker_.woken, false);
  if (!std::exchange(looking_, true))
    for (const std::uint32_t index : news_) slots_[index].unseen = true;
  sink_.on_woken();
  const bool told = deliver();
  if (tally_.sent > 0) sink_.on_datagrams_sent(std::exchange(tally_, {}));
  polling_ = false;
  return {.any = told || woken, .slept = slept, .partial = !look_is_complete()};
}

// A look is complete when all streams that had news at its start have reported them.
bool SimulatedDriver::look_is_complete() {
  const auto unseen = [this](std::uint32_t index) {
    return slots_[index].unseen && has_news(slots_[index]);
  };
  looking_ = std::any_of(news_.begin(), news_.end(), unseen);
  return !looking_;
}

// Every up call may change everything, so nothing is cached across one. The streams are reported in
// random order.
bool SimulatedDriver::deliver() {
  bool told = false;
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) told |= deliver_accepted(i);
  told |= connects_.deliver(sink_);
  telling_.swap(news_);
  for (const std::uint32_t index : telling_) slots_[index].listed = false;
  for (std::size_t i = telling_.size(); i > 1; --i)
    std::swap(telling_[i - 1], telling_[world_.chance.below(i)]);
  for (const std::uint32_t index : telling_) told |= deliver(index);
  telling_.clear();
  for (std::uint32_t i = 0; i < ports_.size(); ++i) told |= deliver_datagrams(i);
  return told;
}

bool SimulatedDriver::deliver(std::uint32_t index) {
  const std::uint32_t generation = slots_[index].generation;
  bool told = false;
  for (int i = 0; i < 4 && has_news(slots_[index]); ++i) {
    if (world_.happens(Fault::late_event)) break;
    if (world_.happens(Fault::slow_handler))
      world_.pass(std::chrono::microseconds(world_.chance.upto(3'000'000)));
    const bool one = tell(index);
    told |= one;
    if (!one || slots_[index].generation != generation || !slots_[index].used) break;
  }
  const Slot& slot = slots_[index];
  if (told && !(slot.sending && slot.sent > 0)) slots_[index].unseen = false;
  if (has_news(slot)) list(index);
  return told;
}

// Makes the first up call that is due for the stream. False if there is none for now.
bool SimulatedDriver::tell(std::uint32_t index) {
  Slot& of = slots_[index];
  const auto stream = static_cast<StreamId>(index);
  if (of.fate == Fate::closing) {
    finish(index, 0);
  } else if (!of.landed.empty()) {
    const std::string landed = std::exchange(of.landed, {});
    world_.stats.to_servers += landed.size();
    sink_.on_received(stream, landed);
  } else if (std::exchange(
                 of.end_landed,
                 false)) {  // NOLINT(bugprone-branch-clone): before all others, and at last
    of.receiving = false;
    of.end_told = true;
    sink_.on_end_of_stream(stream);
  } else if (of.receiving && !network_.unread(of.socket).empty()) {
    return receive(index);
  } else if (const int error = network_.error(of.socket)) {
    finish(index, error);
  } else if (of.sending && of.sent > 0) {
    of.sending = false;
    world_.note(Note::sent, static_cast<std::uint64_t>(of.socket), of.sent);
    sink_.on_sent(stream, of.sent);
  } else if (of.fate == Fate::detaching) {
    world_.note(Note::detached, static_cast<std::uint64_t>(of.socket));
    sink_.on_detached(stream, {bridges_.make(of.socket)});
    of.used = false;
  } else {
    of.receiving = false;
    of.end_told = true;
    sink_.on_end_of_stream(stream);
  }
  return true;
}

bool SimulatedDriver::receive(std::uint32_t index) {
  if (world_.happens(Fault::buffer_exhaustion)) return false;
  const Slot& of = slots_[index];
  const std::string_view unread = network_.unread(of.socket);
  std::size_t size = std::min(unread.size(), share_of_a_turn);
  if (size > 1 && world_.happens(Fault::short_read)) size = world_.chance.upto(size - 1);
  world_.note(Note::receives, static_cast<std::uint64_t>(of.socket), size);
  world_.stats.to_servers += size;
  buffer_.assign(unread.substr(0, size));
  network_.consume(of.socket, size);
  sink_.on_received(static_cast<StreamId>(index), buffer_);
  // Overwrites the bytes, to expose code that uses them after the call.
  std::fill(buffer_.begin(), buffer_.end(), '\xdd');
  return true;
}

// The socket is closed after the sink has returned.
void SimulatedDriver::finish(std::uint32_t index, int error) {
  Slot& of = slots_[index];
  const SocketId socket = of.socket;
  world_.note(Note::closed, static_cast<std::uint64_t>(socket), static_cast<std::uint64_t>(error));
  of.sending = false;
  of.fate = Fate::closing;
  of.landed.clear();
  sink_.on_closed(static_cast<StreamId>(index),
                  error ? std::error_code(error, std::generic_category()) : std::error_code());
  of.used = false;
  network_.close(socket, of.mode);
}

bool SimulatedDriver::deliver_accepted(std::uint32_t index) {
  bool told = false;
  const auto listener = static_cast<ListenerId>(index);
  for (int i = 0; i < accepts_in_a_turn && has_news(listeners_[index]); ++i) {
    if (world_.happens(Fault::late_event)) break;
    if (!listeners_[index].accepting) --listeners_[index].late;
    if (world_.happens(Fault::accept_error)) {
      constexpr std::errc errors[] = {std::errc::too_many_files_open,
                                      std::errc::too_many_files_open_in_system,
                                      std::errc::no_buffer_space, std::errc::not_enough_memory};
      listeners_[index].accepting = false;
      listeners_[index].late = 0;
      sink_.on_accept_stopped(listener, std::make_error_code(errors[world_.chance.below(4)]));
      return true;
    }
    const SocketId socket = network_.accept(listeners_[index].id);
    if (world_.happens(Fault::accept_abort)) {
      network_.close(socket, CloseMode::abort);
      continue;
    }
    world_.note(Note::accepts, index, static_cast<std::uint64_t>(socket));
    sink_.on_accepted(listener, {static_cast<std::intptr_t>(socket)}, network_.remote(socket));
    told = true;
  }
  return told;
}

bool SimulatedDriver::deliver_datagrams(std::uint32_t index) {
  bool told = false;
  for (int i = 0; i < datagrams_in_a_turn && ports_[index].open; ++i) {
    auto& mails = network_.mails(ports_[index].id);
    if (mails.empty()) break;
    const Network::Packet mail = std::move(mails.front());
    mails.pop_front();
    world_.stats.to_servers += mail.bytes.size();
    sink_.on_datagram(static_cast<UdpSocketId>(index),
                      {.from = mail.from, .to = mail.to, .bytes = mail.bytes});
    told = true;
  }
  if (!ports_[index].open || !network_.take_refused(ports_[index].id)) return told;
  sink_.on_datagram_refused(static_cast<UdpSocketId>(index),
                            std::make_error_code(std::errc::connection_refused));
  return true;
}

}}}  // namespace evio::v0::detail
