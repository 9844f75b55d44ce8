#include "backend/readiness/readiness_driver.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "backend/posix/clock.hpp"
#include "backend/posix/socket.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

constexpr std::size_t buffer_size = 64 << 10;

// See watch_socket.
constexpr Duration watch_again_after = std::chrono::milliseconds(50);

constexpr int kind_shift = 29;
constexpr std::uint32_t index_mask = (1u << kind_shift) - 1;

std::error_code system_error(int error) noexcept { return {error, std::generic_category()}; }

}  // namespace

ReadinessDriver::ReadinessDriver(Sink& sink, EventFd& waker, std::unique_ptr<Selector> selector)
    : sink_(sink),
      waker_(waker),
      selector_(std::move(selector)),
      buffer_(std::make_unique_for_overwrite<char[]>(buffer_size)) {
  drain_waker_ = selector_->watch_wakes(waker_.fd(), key(Kind::waker, 0, 0));
}

ReadinessDriver::~ReadinessDriver() {
  for (std::uint32_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].fd >= 0) close_stream(slots_[i].fd, is_copy() ? forks() : 0);
}

// The key of a registration: the kind, the id, and a generation. An event of the same batch may
// concern an earlier object with the same id; the generation shows that.
std::uint64_t ReadinessDriver::key(Kind kind, std::uint32_t index,
                                   std::uint32_t generation) noexcept {
  return static_cast<std::uint64_t>(generation) << 32 |
         static_cast<std::uint64_t>(kind) << kind_shift | index;
}

ReadinessDriver::Kind ReadinessDriver::kind_of(std::uint64_t key) noexcept {
  return static_cast<Kind>(static_cast<std::uint32_t>(key) >> kind_shift);
}

// ---- Listeners and datagrams

void ReadinessDriver::accept_from(ListenerId listener, NativeSocket socket) {
  listeners_.add(listener, socket);
  watch_socket(key(Kind::listener, static_cast<std::uint32_t>(listener), 0));
}

// If registering fails for lack of kernel memory, it is tried again later: otherwise the socket
// would never be served, without any error. A listener that does not accept is not registered at
// all: another process may cause a hang-up of it, which would be reported by every wait.
void ReadinessDriver::watch_socket(std::uint64_t key) {
  const auto index = static_cast<std::uint32_t>(key) & index_mask;
  const auto listener = static_cast<ListenerId>(index);
  const bool listens = kind_of(key) == Kind::listener;
  const int fd = listens ? listeners_.fd(listener) : ports_.fd(static_cast<UdpSocketId>(index));
  if (fd < 0) return;
  selector_->remove(fd);
  if (listens && !listeners_.accepting(listener)) return;
  if (selector_->add(fd, {.read = true}, key)) unwatched_.push_back(key);
}

void ReadinessDriver::watch_unwatched() {
  std::vector<std::uint64_t> keys;
  keys.swap(unwatched_);
  for (const std::uint64_t key : keys) watch_socket(key);
}

void ReadinessDriver::set_accepting(ListenerId listener, bool accepting) {
  if (listeners_.fd(listener) < 0) return;
  listeners_.set_accepting(listener, accepting);
  watch_listener(listener);
}

void ReadinessDriver::watch_listener(ListenerId listener) {
  watch_socket(key(Kind::listener, static_cast<std::uint32_t>(listener), 0));
}

void ReadinessDriver::close_listener(ListenerId listener) {
  selector_->remove(listeners_.fd(listener));
  listeners_.close(listener);
}

void ReadinessDriver::bind_datagram(UdpSocketId socket, NativeSocket native) {
  ports_.add(socket, native);
  watch_socket(key(Kind::datagram, static_cast<std::uint32_t>(socket), 0));
}

bool ReadinessDriver::send_to(UdpSocketId socket, const Datagram& datagram) {
  return ports_.send(socket, datagram);
}

void ReadinessDriver::close_datagram(UdpSocketId socket) {
  selector_->remove(ports_.fd(socket));
  ports_.close(socket);
}

std::error_code ReadinessDriver::set_options(UdpSocketId socket, const Options& options) {
  return apply(ports_.fd(socket), options, false);
}

Address ReadinessDriver::local_address(UdpSocketId socket) {
  return detail::local_address(ports_.fd(socket), Address::Scheme::udp);
}

// ---- ConnectAttempts

void ReadinessDriver::connect(ConnectId id, const Address& to, const Options& options) {
  const int fd = connects_.begin(id, to, options);
  if (fd < 0) return;
  const std::uint64_t name =
      key(Kind::id, static_cast<std::uint32_t>(id), connects_.generation(id));
  if (const std::error_code error = selector_->add(fd, {.write = true}, name))
    connects_.fail(id, error);
}

void ReadinessDriver::cancel(ConnectId id) {
  const NoForkNow guard;
  if (connects_.fd(id) >= 0) selector_->forget(connects_.fd(id), forks() > 0);
  connects_.cancel(id);
}

// ---- Watches

std::error_code ReadinessDriver::watch(WatchId name, NativeSocket descriptor, Interest interest) {
  if (const std::error_code error = cannot_be_polled(static_cast<int>(descriptor.value)))
    return error;
  const Watched::One& one = watched_.add(name, descriptor, interest);
  const Wanted wanted{.read = one.wants(Interest::read), .write = one.wants(Interest::write)};
  return selector_->add(one.fd, wanted,
                        key(Kind::watch, static_cast<std::uint32_t>(name), one.generation));
}

void ReadinessDriver::unwatch(WatchId name) {
  selector_->remove(std::exchange(watched_[name].fd, -1));
}

// ---- Streams

void ReadinessDriver::open(StreamId stream, NativeSocket socket) {
  const auto index = static_cast<std::uint32_t>(stream);
  slots_.reserve(index, changed_, closing_, closing_now_);
  Slot& slot = slots_[index];
  slot = {.fd = static_cast<int>(socket.value), .generation = slot.generation + 1};
  slot.forks = socket.forks & 0xffffff;
  change(stream);  // registered before the next wait, at least to detect a reset
}

// False for events of an earlier stream with the same id.
bool ReadinessDriver::alive(StreamId stream, std::uint32_t generation) noexcept {
  Slot& found = slot(stream);
  return found.fd >= 0 && found.generation == generation && !found.closing;
}

// A short write means that the kernel's buffer is full. Trying again before the socket is writable
// would cost a system call that fails.
std::size_t ReadinessDriver::send_now(StreamId stream, std::span<const Chunk> chunks) {
  Slot& to = slot(stream);
  if (to.blocked || to.closing) return 0;
  const IoResult result = detail::send(to.fd, chunks);
  std::size_t given = 0;
  for (const Chunk& chunk : chunks.first(std::min<std::size_t>(chunks.size(), 64)))
    given += chunk.size;
  to.blocked = result.count < given;
  if (result.error && !result.again())
    begin_close(stream, {.stream = stream, .error = result.error});
  return result.count;
}

// If the kernel accepts nothing, the send stays in flight until the socket is writable.
std::size_t ReadinessDriver::send(StreamId stream, std::span<const Chunk> chunks) {
  const std::size_t count = send_now(stream, chunks);
  if (count == 0) {
    slot(stream).pending = pending_.make(chunks);
    change(stream);
  }
  return count;
}

void ReadinessDriver::set_receiving(StreamId stream, bool receiving) {
  slot(stream).receiving = receiving;
  change(stream);
}

void ReadinessDriver::shutdown_send(StreamId stream) { ::shutdown(slot(stream).fd, SHUT_WR); }

bool ReadinessDriver::is_drained(StreamId stream) {
  return nothing_unsent_or_unread(slot(stream).fd);
}

void ReadinessDriver::detach(StreamId stream) {
  begin_close(stream, {.stream = stream, .detached = true});
}

void ReadinessDriver::close(StreamId stream, CloseMode mode) {
  slot(stream).receiving = false;
  if (mode == CloseMode::abort) reset_on_close(slot(stream).fd);
  begin_close(stream, {.stream = stream});
}

std::error_code ReadinessDriver::set_options(StreamId stream, const Options& options) {
  const int fd = slot(stream).fd;
  return apply(fd, options, !is_unix(fd));
}

Address ReadinessDriver::local_address(StreamId stream) {
  return detail::local_address(slot(stream).fd, Address::Scheme::tcp);
}

NativeSocket ReadinessDriver::native(StreamId stream) { return {slot(stream).fd}; }

// ---- What is watched

Wanted ReadinessDriver::wanted(const Slot& slot) const noexcept {
  return {.read = slot.receiving, .write = slot.blocked && slot.pending != none};
}

void ReadinessDriver::change(StreamId stream) {
  Slot& changing = slot(stream);
  if (changing.changed) return;
  changing.changed = true;
  changed_.push_back(stream);
}

// A stream that wants neither to read nor to write stays registered, to detect a reset. Once it has
// hung up it does not, because every wait would report that again.
void ReadinessDriver::apply_changes() {
  for (const StreamId stream : changed_) {
    Slot& changing = slot(stream);
    changing.changed = false;
    if (changing.fd < 0 || changing.closing) continue;
    const Wanted now = wanted(changing);
    const bool idle = !now.read && !now.write;
    const std::uint64_t name =
        key(Kind::stream, static_cast<std::uint32_t>(stream), changing.generation);
    std::error_code error;
    if (changing.hung_up && idle) {
      if (changing.watched) selector_->remove(changing.fd);
      changing.watched = false;
    } else if (!changing.watched) {
      error = selector_->add(changing.fd, now, name);
      changing.watched = true;
    } else if (now != Wanted{.read = changing.watched_read, .write = changing.watched_write}) {
      error = selector_->modify(changing.fd, now, name);
    }
    changing.watched_read = now.read;
    changing.watched_write = now.write;
    if (error) begin_close(stream, {.stream = stream, .error = error.value()});
  }
  changed_.clear();
}

// The first reason counts. However, close() overrides a detach() that was not carried out yet.
void ReadinessDriver::begin_close(StreamId stream, Leaving how) {
  Slot& going = slot(stream);
  if (!going.closing) {
    going.closing = true;
    return closing_.push_back(how);
  }
  for (std::vector<Leaving>* list : {&closing_, &closing_now_})
    for (Leaving& other : *list)
      if (other.stream == stream) other.detached = false;
}

// Runs at the end of a poll, so that streams end only when no event of theirs is being handled. The
// two lists allow up calls to close further streams.
bool ReadinessDriver::finish_closing() {
  closing_now_.swap(closing_);
  for (const Leaving& how : closing_now_) {
    Slot& going = slot(how.stream);
    if (going.pending != none) pending_.destroy(std::exchange(going.pending, none));
    if (how.detached) {
      if (going.watched) selector_->remove(going.fd);
      make_blocking(going.fd);
      sink_.on_detached(how.stream, {going.fd});
      going.fd = -1;
      continue;
    }
    if (how.error) show_rest(how.stream);
    sink_.on_closed(how.stream, how.error ? system_error(how.error) : std::error_code());
    const NoForkNow guard;
    if (going.watched) selector_->forget(going.fd, forks() != going.forks);
    close_stream(std::exchange(going.fd, -1), going.forks);
  }
  const bool any = !closing_now_.empty();
  closing_now_.clear();
  return any;
}

// Delivers the remaining input of a stream that ends by an error. A peer may send an error message
// and then reset the connection: if a send fails first, that message must still be delivered.
void ReadinessDriver::show_rest(StreamId stream) {
  while (slot(stream).receiving) {
    const IoResult result = receive(slot(stream).fd, {buffer_.get(), buffer_size});
    if (result.count == 0) return;
    sink_.on_received(stream, {buffer_.get(), result.count});
  }
}

// ---- Polling

Duration ReadinessDriver::now() { return monotonic_now(); }

// Registrations are updated before the wait. It does not wait if there is something to report that
// the selector does not know.
PollResult ReadinessDriver::poll(Duration deadline) {
  ports_.flush();
  apply_changes();
  if (!unwatched_.empty()) watch_unwatched();
  if (!unwatched_.empty()) deadline = std::min(deadline, now() + watch_again_after);
  if (!closing_.empty() || connects_.any_failed() || ports_.any_refused())
    deadline = Duration::zero();
  const Duration timeout = time_until(deadline);
  std::span<const Ready> ready = selector_->wait(timeout);
  while (ready.empty() && time_until(deadline) != Duration::zero())  // a signal ended the wait
    ready = selector_->wait(time_until(deadline));
  sink_.on_woken();
  const bool failed = connects_.report_failed(sink_);
  for (const Ready& one : ready) dispatch(one);
  ports_.report(sink_);
  return {.any = finish_closing() || failed || !ready.empty() || !unwatched_.empty(),
          .slept = timeout != Duration::zero(),
          .partial = !selector_->complete()};
}

void ReadinessDriver::dispatch(const Ready& ready) {
  const auto index = static_cast<std::uint32_t>(ready.key) & index_mask;
  switch (kind_of(ready.key)) {
    case Kind::stream:
      return stream_ready(static_cast<StreamId>(index), static_cast<std::uint32_t>(ready.key >> 32),
                          ready);
    case Kind::listener: {
      const auto listener = static_cast<ListenerId>(index);
      if (listeners_.accept_some(listener, sink_) == Listeners::Outcome::stopped)
        watch_listener(listener);
      return;
    }
    case Kind::id: {
      const auto id = static_cast<ConnectId>(index);
      if (!connects_.alive(id, static_cast<std::uint32_t>(ready.key >> 32))) return;
      selector_->remove(connects_.fd(id));
      return connects_.finish(id, sink_);
    }
    case Kind::watch: {
      const auto name = static_cast<WatchId>(index);
      if (!watched_.alive(name, static_cast<std::uint32_t>(ready.key >> 32))) return;
      const unsigned what =
          Watched::ready(watched_[name], ready.readable, ready.writable, ready.hung_up);
      if (what) sink_.on_ready(name, static_cast<Interest>(what));
      return;
    }
    case Kind::datagram:
      ports_.receive_some(static_cast<UdpSocketId>(index), sink_);
      return;
    case Kind::waker:
      if (drain_waker_) waker_.drain();
  }
}

// Every up call may close the stream, and another one may get its id, so this is checked each time.
void ReadinessDriver::stream_ready(StreamId stream, std::uint32_t generation, const Ready& ready) {
  if (alive(stream, generation) && (ready.writable || ready.hung_up) &&
      slot(stream).pending != none)
    write_more(stream);
  if (!alive(stream, generation)) return;
  if (slot(stream).receiving && (ready.readable || ready.hung_up)) return read_some(stream);
  if (ready.hung_up) hung_up(stream);
}

void ReadinessDriver::write_more(StreamId stream) {
  Slot& to = slot(stream);
  to.blocked = false;
  const std::size_t count = send_now(stream, pending_[to.pending]);
  if (to.closing || (count == 0 && to.blocked)) return;
  pending_.destroy(std::exchange(to.pending, none));
  change(stream);
  sink_.on_sent(stream, count);
}

// One read is the stream's share of a poll. The selector is level-triggered, so it reports the
// rest.
void ReadinessDriver::read_some(StreamId stream) {
  Slot& from = slot(stream);
  const IoResult result = receive(from.fd, {buffer_.get(), buffer_size});
  if (result.count > 0) return sink_.on_received(stream, {buffer_.get(), result.count});
  if (result.again()) return;
  if (result.error) return begin_close(stream, {.stream = stream, .error = result.error});
  set_receiving(stream, false);
  sink_.on_end_of_stream(stream);
}

// A hang-up of a stream that does not read. A reset ends it. Without an error both directions have
// ended in an orderly way, which on_end_of_stream reports once the stream reads.
void ReadinessDriver::hung_up(StreamId stream) {
  if (const int error = pending_error(slot(stream).fd))
    return begin_close(stream, {.stream = stream, .error = error});
  slot(stream).hung_up = true;
  change(stream);
}

}}}  // namespace evio::v0::detail
