#include "asynchronous_driver.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "backend/posix/clock.hpp"
#include "backend/posix/socket.hpp"

namespace evio::test {

using namespace detail;

namespace {

constexpr int ring_size = 16;  // buffers for received bytes
constexpr std::size_t datagram_batch = 64;
constexpr std::size_t datagram_max = 65'507;
constexpr int reports_in_a_row = 3;  // reports of one stream in one poll

}  // namespace

AsynchronousDriver::AsynchronousDriver(Sink& sink, EventFd& waker, std::uint64_t seed,
                                       const Faults& faults, bool waits)
    : sink_(sink),
      waker_(waker),
      chance_(seed),
      faults_(faults),
      waits_(waits),
      buffers_(ring_size) {}

AsynchronousDriver::~AsynchronousDriver() {
  while (!listeners_.empty()) close_listener(static_cast<ListenerId>(listeners_.begin()->first));
  for (const auto& [index, attempt] : attempts_)
    if (attempt.fd >= 0) ::close(attempt.fd);
  while (!ports_.empty()) close_datagram(static_cast<UdpSocketId>(ports_.begin()->first));
}

// ---- Down calls

// All calls come from one thread, though another may have made the driver.
void AsynchronousDriver::down() {
  if (thread_ != std::thread::id() && thread_ != std::this_thread::get_id())
    broke_a_rule("a down call on another thread");
  more_ = true;
}

AsynchronousStream& AsynchronousDriver::stream(StreamId stream) {
  down();
  const auto found = streams_.find(static_cast<std::uint32_t>(stream));
  if (found == streams_.end()) broke_a_rule("a down call for a stream that is gone");
  return *found->second;
}

void AsynchronousDriver::accept_from(ListenerId listener, NativeSocket socket) {
  down();
  const int fd = static_cast<int>(socket.value);
  if (!listeners_
           .emplace(static_cast<std::uint32_t>(listener),
                    ListenerState{.fd = fd, .unix_socket = is_unix(fd)})
           .second)
    broke_a_rule("a listener's name is used twice");
}

void AsynchronousDriver::set_accepting(ListenerId listener, bool accepting) {
  down();
  ListenerState& listener_state = listeners_.at(static_cast<std::uint32_t>(listener));
  if (listener_state.accepting == accepting) return;
  listener_state.accepting = accepting;
  listener_state.late = accepting ? 0 : 2;
}

void AsynchronousDriver::close_listener(ListenerId listener) {
  down();
  const auto found = listeners_.find(static_cast<std::uint32_t>(listener));
  if (found == listeners_.end()) broke_a_rule("a listener is closed twice");
  ::close(found->second.fd);
  for (const Accepted& accepted : found->second.landed) ::close(accepted.fd);
  listeners_.erase(found);
}

void AsynchronousDriver::bind_datagram(UdpSocketId socket, NativeSocket native) {
  down();
  ports_[static_cast<std::uint32_t>(socket)].port = DatagramPort(static_cast<int>(native.value));
}

bool AsynchronousDriver::send_to(UdpSocketId socket, const Datagram& datagram) {
  down();
  Port& port = ports_.at(static_cast<std::uint32_t>(socket));
  if (port.batch.size() == datagram_batch || datagram.bytes.size() > datagram_max) return false;
  port.batch.push_back(
      {.from = datagram.from, .to = datagram.to, .bytes = std::string(datagram.bytes)});
  return true;
}

void AsynchronousDriver::close_datagram(UdpSocketId socket) {
  down();
  const auto found = ports_.find(static_cast<std::uint32_t>(socket));
  Port& port = found->second;
  for (const Task& task : port.batch) post_task(port, task);
  ::close(port.port.fd);
  ports_.erase(found);
}

std::error_code AsynchronousDriver::set_options(UdpSocketId socket, const Options& options) {
  return apply(static_cast<int>(native(socket).value), options, false);
}

Address AsynchronousDriver::local_address(UdpSocketId socket) {
  return detail::local_address(static_cast<int>(native(socket).value), Address::Scheme::udp);
}

NativeSocket AsynchronousDriver::native(UdpSocketId socket) {
  return {ports_.at(static_cast<std::uint32_t>(socket)).port.fd};
}

void AsynchronousDriver::connect(ConnectId connect_id, const Address& to, const Options& options) {
  down();
  const ConnectingSocket connecting = connect_socket(to, options);
  if (!attempts_
           .emplace(static_cast<std::uint32_t>(connect_id),
                    Attempt{connecting.fd, connecting.error, false})
           .second)
    broke_a_rule("an attempt's name is used while the attempt that had it goes on");
  more_ = true;
}

void AsynchronousDriver::cancel(ConnectId connect_id) {
  down();
  const auto found = attempts_.find(static_cast<std::uint32_t>(connect_id));
  if (found == attempts_.end()) broke_a_rule("an attempt is cancelled that is over");
  if (found->second.fd >= 0) ::close(found->second.fd);
  attempts_.erase(found);
}

std::error_code AsynchronousDriver::watch(WatchId name, NativeSocket descriptor,
                                          Interest interest) {
  down();
  const auto fd = static_cast<int>(descriptor.value);
  if (const std::error_code error = cannot_be_polled(fd)) return error;
  if (!watches_.emplace(static_cast<std::uint32_t>(name), Watching{fd, interest}).second)
    broke_a_rule("a watch's name is used while the watch that had it lives");
  return {};
}

void AsynchronousDriver::unwatch(WatchId name) {
  down();
  if (watches_.erase(static_cast<std::uint32_t>(name)) == 0)
    broke_a_rule("what is not watched is unwatched");
}

void AsynchronousDriver::open(StreamId stream, NativeSocket socket) {
  down();
  auto opened =
      std::make_unique<AsynchronousStream>(static_cast<int>(socket.value), ++generations_);
  if (!streams_.emplace(static_cast<std::uint32_t>(stream), std::move(opened)).second)
    broke_a_rule("a stream's name is used while the stream that had it lives");
}

std::size_t AsynchronousDriver::send_now(StreamId to, std::span<const Chunk>) {
  stream(to).check_nothing_in_flight();
  return 0;
}

std::size_t AsynchronousDriver::send(StreamId to, std::span<const Chunk> chunks) {
  stream(to).send(chunks);
  return 0;
}

void AsynchronousDriver::set_receiving(StreamId from, bool receiving) {
  stream(from).set_receiving(receiving);
}
void AsynchronousDriver::shutdown_send(StreamId to) { stream(to).shutdown_send(); }
bool AsynchronousDriver::is_drained(StreamId of) { return stream(of).is_drained(); }
void AsynchronousDriver::detach(StreamId leaving) { stream(leaving).detach(); }
void AsynchronousDriver::close(StreamId leaving, CloseMode mode) { stream(leaving).close(mode); }

std::error_code AsynchronousDriver::set_options(StreamId of, const Options& options) {
  const int fd = stream(of).fd();
  return apply(fd, options, !is_unix(fd));
}

Address AsynchronousDriver::local_address(StreamId of) {
  return detail::local_address(stream(of).fd(), Address::Scheme::tcp);
}

NativeSocket AsynchronousDriver::native(StreamId of) { return {stream(of).fd()}; }

Duration AsynchronousDriver::now() { return monotonic_now(); }

// ---- The kernel

AsynchronousStream* AsynchronousDriver::find(const Name& name) noexcept {
  const auto found = streams_.find(name.index);
  return found != streams_.end() && found->second->generation == name.generation
             ? found->second.get()
             : nullptr;
}

std::vector<AsynchronousDriver::Name> AsynchronousDriver::names_shuffled() {
  std::vector<Name> names;
  for (const auto& [index, stream] : streams_) names.push_back({index, stream->generation});
  std::sort(names.begin(), names.end(),
            [](const Name& a, const Name& b) { return a.generation < b.generation; });
  chance_.shuffle(names);
  return names;
}

void AsynchronousDriver::wait_for_kernel(Duration timeout) {
  std::vector<pollfd> entries{{.fd = waker_.fd(), .events = POLLIN, .revents = 0}};
  std::vector<AsynchronousStream*> waiting;
  for (const auto& [index, stream] : streams_) {
    const auto events = stream->wants();
    if (!events) continue;
    entries.push_back({.fd = stream->fd(), .events = *events, .revents = 0});
    waiting.push_back(stream.get());
  }
  for (auto& [index, listener_state] : listeners_)
    if (listener_state.accepting || listener_state.late > 0)
      entries.push_back({.fd = listener_state.fd, .events = POLLIN, .revents = 0});
  for (auto& [index, port] : ports_)
    entries.push_back({.fd = port.port.fd, .events = POLLIN, .revents = 0});
  for (auto& [index, attempt] : attempts_)
    entries.push_back({.fd = attempt.writable ? -1 : attempt.fd, .events = POLLOUT, .revents = 0});
  for (auto& [index, one] : watches_) {
    const auto bits = static_cast<unsigned>(one.interest);
    entries.push_back(
        {.fd = one.fd,
         .events = static_cast<short>((bits & 1 ? POLLIN : 0) | (bits & 2 ? POLLOUT : 0)),
         .revents = 0});
    one.events = 0;
  }
  if (::poll(entries.data(), entries.size(), milliseconds(timeout)) <= 0) return;

  auto entry = entries.begin();
  woken_ = entry++->revents != 0;
  if (woken_) waker_.drain();
  for (AsynchronousStream* stream : waiting)
    if (const short events = entry++->revents) stream->notice(events);
  for (auto& [index, listener_state] : listeners_)
    if (listener_state.accepting || listener_state.late > 0)
      listener_state.readable = entry++->revents != 0;
  for (auto& [index, port] : ports_) port.readable = entry++->revents != 0;
  for (auto& [index, attempt] : attempts_) attempt.writable |= entry++->revents != 0;
  for (auto& [index, one] : watches_) one.events = entry++->revents;
}

// Receives that found no buffer are first in the queue for the next free one.
bool AsynchronousDriver::work() {
  bool more = false;
  for (; buffers_ > 0 && !waiting_for_buffers_.empty(); waiting_for_buffers_.pop_front()) {
    AsynchronousStream* first = find(waiting_for_buffers_.front());
    if (first && first->wants_buffer()) first->land(chance_, buffers_);
  }
  for (const Name& name : names_shuffled()) {
    AsynchronousStream& stream = *find(name);
    more |= stream.work(chance_, faults_, buffers_);
    const auto same = [&](const Name& other) { return other.generation == name.generation; };
    if (buffers_ > 0 || !stream.wants_buffer()) continue;
    if (std::none_of(waiting_for_buffers_.begin(), waiting_for_buffers_.end(), same))
      waiting_for_buffers_.push_back(name);
  }
  for (auto& [index, listener_state] : listeners_) more |= work_on(listener_state);
  for (auto& [index, port] : ports_) more |= work_on(port);
  return more;
}

bool AsynchronousDriver::work_on(ListenerState& listener_state) {
  if (!listener_state.readable || listener_state.error ||
      (!listener_state.accepting && listener_state.late == 0))
    return false;
  if (chance_(faults_.idle)) return true;
  if (!listener_state.accepting) --listener_state.late;
  const bool fails = faults_.accept_failure > 0 && chance_(faults_.accept_failure);
  const Accepted accepted = fails ? Accepted{.error = EMFILE}
                                  : detail::accept(listener_state.fd, listener_state.unix_socket);
  if (accepted.fd >= 0) {
    listener_state.landed.push_back(accepted);
  } else if (accept_must_wait(accepted.error)) {
    listener_state.error = accepted.error;
  } else {
    listener_state.readable = false;
  }
  return true;
}

bool AsynchronousDriver::work_on(Port& port) {
  if (!port.batch.empty() && !chance_(faults_.idle)) {
    post_task(port, port.batch.front());
    port.batch.pop_front();
  }
  if (!port.readable) return !port.batch.empty();
  if (chance_(faults_.idle)) return true;
  const unsigned count = receiver_.receive(port.port);
  port.readable = count == DatagramReceiver::batch;
  port.refused |= receiver_.take_refused();
  for (unsigned i = 0; i < count; ++i) {
    receiver_.deliver(port.port, i, [&](const Datagram& datagram) {
      port.landed.push_back(
          {.from = datagram.from, .to = datagram.to, .bytes = std::string(datagram.bytes)});
      return true;
    });
  }
  return true;
}

void AsynchronousDriver::post_task(Port& port, const Task& task) {
  sender_.add(port.port, {.from = task.from, .to = task.to, .bytes = task.bytes});
  sender_.flush();
  port.refused |= sender_.take_refused();
}

bool AsynchronousDriver::any_news() const noexcept {
  const auto of_stream = [](const auto& one) {
    return one.second->news() != AsynchronousStream::News::none;
  };
  const auto of_door = [](const auto& one) {
    return !one.second.landed.empty() || one.second.error;
  };
  const auto of_attempt = [](const auto& one) { return one.second.writable || one.second.error; };
  const auto of_port = [](const auto& one) {
    return !one.second.landed.empty() || one.second.refused;
  };
  return std::any_of(streams_.begin(), streams_.end(), of_stream) ||
         std::any_of(watches_.begin(), watches_.end(),
                     [](const auto& one) { return one.second.events != 0; }) ||
         std::any_of(attempts_.begin(), attempts_.end(), of_attempt) ||
         std::any_of(listeners_.begin(), listeners_.end(), of_door) ||
         std::any_of(ports_.begin(), ports_.end(), of_port);
}

// ---- Polling

PollResult AsynchronousDriver::poll(Duration deadline) {
  if (std::exchange(polling_, true)) broke_a_rule("poll inside poll");
  thread_ = std::this_thread::get_id();
  bool slept = false;
  for (bool last = false; !last;) {
    const Duration left =
        deadline == Duration::max() ? deadline : std::max(deadline, Duration::zero()) - now();
    last = !waits_ || left <= Duration::zero();
    const bool at_once = last || more_;
    slept |= !at_once;
    wait_for_kernel(at_once ? Duration::zero() : deadline == Duration::max() ? Duration(-1) : left);
    more_ = work();
    if (woken_ || (any_news() && !chance_(faults_.idle))) break;
    more_ |= any_news();
    if (more_ && chance_(faults_.stray_return)) break;
  }
  const bool woken = std::exchange(woken_, false);
  sink_.on_woken();
  const bool any = deliver();
  if (const DatagramTally tally = sender_.take_tally(); tally.sent + tally.dropped > 0)
    sink_.on_datagrams_sent(tally);
  more_ |= any_news();
  polling_ = false;
  return {.any = any || woken, .slept = slept, .partial = more_};
}

// The up call may have changed everything: look up the stream again.
bool AsynchronousDriver::deliver() {
  bool any = false;
  std::vector<std::uint32_t> listeners, ports, attempts, watches;
  for (const auto& [index, one] : watches_) watches.push_back(index);
  for (const auto& [index, listener_state] : listeners_) listeners.push_back(index);
  for (const auto& [index, port] : ports_) ports.push_back(index);
  for (const auto& [index, attempt] : attempts_) attempts.push_back(index);
  for (const std::uint32_t index : listeners) any |= deliver_accepted(index);
  for (const std::uint32_t index : watches) any |= deliver_ready(index);
  for (const std::uint32_t index : attempts) any |= deliver_connected(index);
  for (const Name& name : names_shuffled()) any |= deliver(name);
  for (const std::uint32_t index : ports) any |= deliver_datagram(index);
  return any;
}

bool AsynchronousDriver::deliver(const Name& name) {
  int count = 0;
  for (; count < reports_in_a_row; ++count) {
    AsynchronousStream* from = find(name);
    if (!from || chance_(faults_.idle) || !report(name, *from)) break;
  }
  return count > 0;
}

bool AsynchronousDriver::report(const Name& name, AsynchronousStream& from) {
  const auto stream = static_cast<StreamId>(name.index);
  more_ = true;
  switch (from.news()) {
    case AsynchronousStream::News::none:
      return false;
    case AsynchronousStream::News::bytes: {
      const std::string bytes = from.take_bytes();
      sink_.on_received(stream, bytes);
      ++buffers_;
      break;
    }
    case AsynchronousStream::News::end:
      from.take_end();
      sink_.on_end_of_stream(stream);
      break;
    case AsynchronousStream::News::sent:
      sink_.on_sent(stream, from.take_sent());
      break;
    case AsynchronousStream::News::detached:
      make_blocking(from.fd());
      sink_.on_detached(stream, {from.fd()});
      from.release();
      streams_.erase(name.index);
      break;
    case AsynchronousStream::News::closed:
      sink_.on_closed(stream, from.error());
      buffers_ += from.drop_landed();
      streams_.erase(name.index);
      break;
  }
  return true;
}

bool AsynchronousDriver::deliver_accepted(std::uint32_t index) {
  bool any = false;
  for (auto found = listeners_.find(index); found != listeners_.end();
       found = listeners_.find(index)) {
    ListenerState& listener_state = found->second;
    if ((listener_state.landed.empty() && !listener_state.error) || chance_(faults_.idle)) break;
    any = true;
    if (listener_state.landed.empty()) {
      listener_state.accepting = false;
      sink_.on_accept_stopped(static_cast<ListenerId>(index),
                              {std::exchange(listener_state.error, 0), std::generic_category()});
    } else {
      const Accepted accepted = listener_state.landed.front();
      listener_state.landed.pop_front();
      sink_.on_accepted(static_cast<ListenerId>(index), {accepted.fd}, accepted.peer);
    }
  }
  return any;
}

bool AsynchronousDriver::deliver_ready(std::uint32_t index) {
  const auto found = watches_.find(index);
  if (found == watches_.end()) return false;
  const short events = std::exchange(found->second.events, short{0});
  const bool broken = events & (POLLERR | POLLHUP);
  const unsigned wanted = static_cast<unsigned>(found->second.interest);
  const unsigned ready =
      wanted & ((events & POLLIN || broken ? 1U : 0U) | (events & POLLOUT || broken ? 2U : 0U));
  if (ready == 0) return false;
  sink_.on_ready(static_cast<WatchId>(index), static_cast<Interest>(ready));
  return true;
}

bool AsynchronousDriver::deliver_connected(std::uint32_t index) {
  const auto found = attempts_.find(index);
  if (found == attempts_.end() || chance_(faults_.idle)) return false;
  const Attempt attempt = found->second;
  if (!attempt.writable && !attempt.error) return false;
  attempts_.erase(found);
  const auto connect_id = static_cast<ConnectId>(index);
  const int error = attempt.fd >= 0 ? pending_error(attempt.fd) : attempt.error.value();
  if (error == 0) {
    sink_.on_connected(connect_id, {attempt.fd});
    return true;
  }
  if (attempt.fd >= 0) ::close(attempt.fd);
  sink_.on_connect_failed(connect_id, {error, std::generic_category()});
  return true;
}

bool AsynchronousDriver::deliver_datagram(std::uint32_t index) {
  const auto found = ports_.find(index);
  if (found == ports_.end()) return false;
  const bool only_refused = found->second.landed.empty();
  if ((only_refused && !found->second.refused) || chance_(faults_.idle)) return false;
  if (only_refused) {
    found->second.refused = false;
    sink_.on_datagram_refused(static_cast<UdpSocketId>(index),
                              std::make_error_code(std::errc::connection_refused));
    return true;
  }
  const Task task = std::move(found->second.landed.front());
  found->second.landed.pop_front();
  sink_.on_datagram(static_cast<UdpSocketId>(index),
                    {.from = task.from, .to = task.to, .bytes = task.bytes});
  return true;
}

}  // namespace evio::test
