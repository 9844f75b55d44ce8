#include "backend/uring/uring_driver.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "backend/posix/clock.hpp"
#include "backend/posix/io.hpp"
#include "backend/posix/socket.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

// From this size on, a separate system call costs less than queueing, which requires a copy.
constexpr std::size_t large_send = 16 << 10;
constexpr int op_shift = 28;
constexpr std::uint32_t index_mask = (1u << op_shift) - 1;

std::error_code system_error(int error) noexcept { return {error, std::generic_category()}; }

std::size_t total(std::span<const Chunk> chunks) noexcept {
  std::size_t size = 0;
  for (const Chunk& chunk : chunks) size += chunk.size;
  return size;
}

}  // namespace

UringDriver::UringDriver(Sink& sink, EventFd& waker, unsigned buffers)
    : sink_(sink),
      waker_(waker),
      buffers_(std::make_unique<BufferRing>(ring_, buffers)),
      buffer_(std::make_unique_for_overwrite<char[]>(buffer_size)) {}

UringDriver::~UringDriver() {
  if (enabled_ && !is_copy()) drain_ring();
  for (std::uint32_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].fd >= 0) close_stream(slots_[i].fd, is_copy() ? forks() : 0);
}

// Cancels all operations and waits for that, at most a second. Otherwise the kernel would hold the
// sockets for a while, and their ports would stay in use.
void UringDriver::drain_ring() noexcept {
  queue_cancel(0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
  const Duration deadline = monotonic_now() + std::chrono::seconds(1);
  while (outstanding_ > 0 && monotonic_now() < deadline) {
    ring_.submit_and_wait(std::chrono::milliseconds(100));
    for (io_uring_cqe completion; ring_.take(completion);) {
      const auto op = static_cast<Op>(static_cast<std::uint32_t>(completion.user_data) >> op_shift);
      if (op != Op::send && op != Op::cancel && !(completion.flags & IORING_CQE_F_MORE))
        --outstanding_;
    }
  }
}

std::uint64_t UringDriver::user_data(Op op, std::uint32_t index,
                                     std::uint32_t generation) noexcept {
  return static_cast<std::uint64_t>(generation) << 32 | static_cast<std::uint64_t>(op) << op_shift |
         index;
}

// ---- Streams

void UringDriver::open(StreamId stream, NativeSocket socket) {
  const auto index = static_cast<std::uint32_t>(stream);
  slots_.reserve(index, changed_, changing_, closing_, closing_now_, unread_, rereading_,
                 queued_sends_, finishing_sends_);
  Slot& slot = slots_[index];
  slot = {.fd = static_cast<int>(socket.value), .generation = slot.generation + 1};
  slot.unix_domain = is_unix(slot.fd);
  change(stream);
}

bool UringDriver::alive(StreamId stream, std::uint32_t generation) noexcept {
  Slot& found = slot(stream);
  return found.fd >= 0 && found.generation == generation && !found.closing;
}

bool UringDriver::outstanding(const Slot& slot) const noexcept {
  if (slot.pending != none && pending_[slot.pending].queued) return true;
  return slot.receive_armed || slot.read_poll_armed || slot.write_poll_armed ||
         slot.reset_poll_armed;
}

void UringDriver::set_receiving(StreamId stream, bool receiving) {
  slot(stream).receiving = receiving;
  change(stream);
}

void UringDriver::shutdown_send(StreamId stream) { ::shutdown(slot(stream).fd, SHUT_WR); }

bool UringDriver::is_drained(StreamId stream) { return nothing_unsent_or_unread(slot(stream).fd); }

void UringDriver::detach(StreamId stream) {
  slot(stream).detaching = true;
  begin_close(stream, 0);
}

void UringDriver::close(StreamId stream, CloseMode mode) {
  slot(stream).receiving = slot(stream).detaching = false;
  if (mode == CloseMode::abort) reset_on_close(slot(stream).fd);
  begin_close(stream, 0);
}

std::error_code UringDriver::set_options(StreamId stream, const Options& options) {
  const int fd = slot(stream).fd;
  return apply(fd, options, !is_unix(fd));
}

Address UringDriver::local_address(StreamId stream) {
  return detail::local_address(slot(stream).fd, Address::Scheme::tcp);
}

NativeSocket UringDriver::native(StreamId stream) { return {slot(stream).fd}; }

// ---- Outstanding operations

void UringDriver::change(StreamId stream) {
  Slot& changing = slot(stream);
  if (changing.changed) return;
  changing.changed = true;
  changed_.push_back(stream);
}

void UringDriver::apply_changes() {
  changing_.swap(changed_);
  for (const StreamId stream : changing_) {
    Slot& changing = slot(stream);
    changing.changed = false;
    if (changing.fd >= 0 && !changing.closing) arm(stream, changing);
  }
  changing_.clear();
}

// Arms or cancels operations according to the stream's state. A stream that does not receive is
// polled for errors, to detect a reset.
void UringDriver::arm(StreamId stream, Slot& slot) {
  const bool wanted = slot.receiving && !slot.ended;
  const bool reading = slot.receive_armed || slot.read_poll_armed;
  if (reading && (!wanted || slot.receive_armed == slot.readiness_mode)) stop_reading(stream, slot);
  if (wanted && !reading) {
    if (slot.readiness_mode) {
      arm_poll(Op::read_poll, stream, slot, POLLIN | POLLPRI | POLLRDHUP, true);
      slot.read_poll_armed = true;
    } else {
      arm_receive(stream, slot);
      slot.receive_armed = slot.begins = true;
    }
  }
  if ((!wanted || slot.unix_domain) && !slot.reset_poll_armed) {
    // Multishot, because the peer's end completes this poll, too, and a reset may follow.
    arm_poll(Op::reset_poll, stream, slot, 0, true);
    slot.reset_poll_armed = true;
  }
  if (slot.pending != none && slot.blocked && !slot.write_poll_armed) {
    arm_poll(Op::write_poll, stream, slot, POLLOUT, false);
    slot.write_poll_armed = true;
  }
}

// POLL_FIRST: mostly no bytes are waiting, so trying to receive at once would be wasted.
void UringDriver::arm_receive(StreamId stream, Slot& slot) {
  io_uring_sqe* entry = ring_.entry();
  io_uring_prep_recv_multishot(entry, slot.fd, nullptr, 0, 0);
  entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = BufferRing::group;
  entry->user_data = user_data(Op::receive, static_cast<std::uint32_t>(stream), slot.generation);
  ++outstanding_;
}

void UringDriver::arm_poll(Op op, StreamId stream, const Slot& slot, unsigned events,
                           bool multishot) {
  poll_for(user_data(op, static_cast<std::uint32_t>(stream), slot.generation), slot.fd, events,
           multishot);
}

void UringDriver::poll_for(std::uint64_t user_data, int fd, unsigned events, bool multishot) {
  io_uring_sqe* entry = ring_.entry();
  if (multishot)
    io_uring_prep_poll_multishot(entry, fd, events);
  else
    io_uring_prep_poll_add(entry, fd, events);
  entry->user_data = user_data;
  ++outstanding_;
}

void UringDriver::stop_reading(StreamId stream, Slot& slot) {
  if (slot.cancelling) return;
  slot.cancelling = true;
  const Op op = slot.receive_armed ? Op::receive : Op::read_poll;
  queue_cancel(user_data(op, static_cast<std::uint32_t>(stream), slot.generation));
}

void UringDriver::cancel_all(StreamId stream, Slot& slot) {
  const auto index = static_cast<std::uint32_t>(stream);
  if (slot.receive_armed || slot.read_poll_armed) stop_reading(stream, slot);
  if (slot.write_poll_armed) queue_cancel(user_data(Op::write_poll, index, slot.generation));
  if (slot.reset_poll_armed) queue_cancel(user_data(Op::reset_poll, index, slot.generation));
}

// ---- Closing and detaching

// The first reason counts.
void UringDriver::begin_close(StreamId stream, int error) {
  Slot& going = slot(stream);
  if (going.closing) return;
  going.closing = true;
  going.error = static_cast<unsigned>(error) & 0xfffU;
  cancel_all(stream, going);
  closing_.push_back(stream);
}

bool UringDriver::may_leave() noexcept {
  return std::any_of(closing_.begin(), closing_.end(),
                     [this](StreamId stream) { return !outstanding(slot(stream)); });
}

// A stream has ended when none of its operations is outstanding any more: the kernel may use its
// descriptor and memory until then.
bool UringDriver::finish_closing() {
  bool any = false;
  closing_now_.swap(closing_);
  for (const StreamId stream : closing_now_) {
    Slot& going = slot(stream);
    if (outstanding(going)) {
      closing_.push_back(stream);
      continue;
    }
    any = true;
    if (going.pending != none) pending_.destroy(std::exchange(going.pending, none));
    if (going.detaching) {
      make_blocking(going.fd);
      sink_.on_detached(stream, {going.fd});
      going.fd = -1;
      continue;
    }
    if (going.error) show_rest(stream);
    sink_.on_closed(stream, going.error ? system_error(going.error) : std::error_code());
    close_stream(std::exchange(going.fd, -1));
  }
  closing_now_.clear();
  return any;
}

// Delivers the remaining input of a stream that ends by an error. A peer may send an error message
// and then reset the connection: if a send fails first, that message must still be delivered.
void UringDriver::show_rest(StreamId stream) {
  while (slot(stream).receiving) {
    const IoResult result = receive(slot(stream).fd, {buffer_.get(), buffer_size});
    if (result.count == 0) return;
    sink_.on_received(stream, {buffer_.get(), result.count});
  }
}

// ---- Sending

std::size_t UringDriver::send_now(StreamId stream, std::span<const Chunk> chunks) {
  Slot& to = slot(stream);
  if (to.blocked || to.closing) return 0;
  const std::size_t size = total(chunks);
  if (size < large_send) return 0;
  const IoResult result = detail::send(to.fd, chunks);
  to.blocked = result.again();
  if (result.error && !result.again()) begin_close(stream, result.error);
  return result.count;
}

std::size_t UringDriver::send(StreamId stream, std::span<const Chunk> chunks) {
  if (const std::size_t count = send_now(stream, chunks)) return count;
  Slot& to = slot(stream);
  chunks = chunks.first(std::min(chunks.size(), Pending::max_chunks));
  to.pending = pending_.make(stream, chunks, total(chunks), ++last_serial_);
  if (to.closing) return 0;
  if (to.blocked)
    change(stream);
  else
    queue_send(to.pending);
  return 0;
}

// CQE_SKIP_SUCCESS: only a failed or short send causes a completion. MSG_WAITALL makes the kernel
// continue a short send itself, as far as it can without waiting.
void UringDriver::queue_send(std::uint32_t index) {
  constexpr int flags = MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL;
  Pending& send = pending_[index];
  send.queued = true;
  io_uring_sqe* entry = ring_.entry();
  if (send.chunks.size() == 1) {
    io_uring_prep_send(entry, slot(send.stream).fd, send.chunks[0].data, send.chunks[0].size,
                       flags);
  } else {
    for (std::size_t i = 0; i < send.chunks.size(); ++i)
      send.pieces[i] = {.iov_base = const_cast<char*>(send.chunks[i].data),
                        .iov_len = send.chunks[i].size};
    send.message.msg_iov = send.pieces;
    send.message.msg_iovlen = send.chunks.size();
    io_uring_prep_sendmsg(entry, slot(send.stream).fd, &send.message, flags);
  }
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry->user_data = user_data(Op::send, index, send.serial);
  queued_sends_.push_back(index);
}

// Records the result of a send that failed or was incomplete; only these have a completion. This
// may be called twice for the same completion, since peek() does not remove it.
void UringDriver::note_send(const io_uring_cqe& completion) noexcept {
  const auto index = static_cast<std::uint32_t>(completion.user_data) & index_mask;
  if (!pending_.alive(index) || pending_[index].serial != completion.user_data >> 32) return;
  pending_[index].fell_short = true;
  pending_[index].result = completion.res;
}

// Sends that were submitted and have no completion were successful. If the kernel was short of
// memory, some entries may still be queued; then this waits until they were submitted.
void UringDriver::finish_sends() {
  if (queued_sends_.empty() || ring_.queued()) return;
  ring_.flush_overflow();
  ring_.peek([this](const io_uring_cqe& completion) {
    if (static_cast<Op>(static_cast<std::uint32_t>(completion.user_data) >> op_shift) == Op::send)
      note_send(completion);
  });
  finishing_sends_.swap(queued_sends_);
  for (const std::uint32_t index : finishing_sends_) finish_send(index);
  finishing_sends_.clear();
}

void UringDriver::finish_send(std::uint32_t index) {
  Pending& send = pending_[index];
  const StreamId stream = send.stream;
  Slot& to = slot(stream);
  send.queued = false;
  if (to.closing) return;
  const int result = send.fell_short ? send.result : static_cast<int>(send.size);
  if (result == -EAGAIN || result == 0) {
    to.blocked = true;
    return change(stream);
  }
  if (result < 0) return begin_close(stream, -result);
  to.blocked = static_cast<std::size_t>(result) < send.size;
  pending_.destroy(std::exchange(to.pending, none));
  sink_.on_sent(stream, static_cast<std::size_t>(result));
}

void UringDriver::write_more(StreamId stream) {
  Slot& to = slot(stream);
  to.blocked = false;
  if (to.pending == none) return;
  const Pending& send = pending_[to.pending];
  const IoResult result = detail::send(to.fd, send.chunks);
  if (result.error && !result.again()) return begin_close(stream, result.error);
  to.blocked = result.count < send.size;
  if (result.count == 0) return change(stream);
  pending_.destroy(std::exchange(to.pending, none));
  sink_.on_sent(stream, result.count);
}

// ---- Polling

Duration UringDriver::now() { return monotonic_now(); }

// Called on the loop's thread, which is not the thread that made the driver.
void UringDriver::enable() {
  if (std::exchange(enabled_, true)) return;
  ring_.enable();
  watch(Op::waker, 0, waker_.fd());
}

PollResult UringDriver::poll(Duration deadline) {
  enable();
  ports_.flush();
  if (has_poll_eventfd_) waker_.clear();
  rewatching_.swap(rewatched_);
  for (const auto& [name, generation] : rewatching_)
    if (watched_.alive(name, generation)) ask(name);
  rewatching_.clear();
  apply_changes();
  const bool more = !queued_sends_.empty() || !unread_.empty() || !unaccepted_.empty() ||
                    !undelivered_.empty() || connects_.any_failed() || ports_.any_refused() ||
                    may_leave();
  Duration timeout = more ? Duration::zero() : time_until(deadline);
  const bool sleep = timeout != Duration::zero();
  if (!sleep) ring_.submit_and_reap();
  while (timeout != Duration::zero() && !ring_.submit_and_wait(timeout))
    timeout = time_until(deadline);
  const bool work_left = ring_.work_left();
  sink_.on_woken();
  finish_sends();
  connects_.report_failed(sink_);
  resume_partial();
  bool any = more;
  // Handles only the completions that are there now. Handlers may cause further ones, and each
  // stream gets only its share of an iteration.
  std::size_t left = ring_.ready();
  for (io_uring_cqe completion; left > 0 && ring_.take(completion); --left, any = true)
    dispatch(completion);
  ports_.report(sink_);
  any = finish_closing() || any;
  const bool unfinished =
      ring_.queued() || ring_.ready() > 0 || !changed_.empty() || !rewatched_.empty();
  return {.any = any || unfinished, .slept = sleep, .partial = is_partial(work_left || unfinished)};
}

// Whether events that had arrived before may still be undelivered. A receive that found no buffer,
// for example, is reported later, and under load there are always more events. But the kernel
// serves what has waited longest first. Therefore the number of partial polls is bounded: after all
// operations were served four times, everything was delivered. At worst a stream needs a receive
// that finds no buffer, its cancellation, and the poll that replaces it.
bool UringDriver::is_partial(bool more) noexcept {
  constexpr std::size_t entry_at_least = 20;  // operations that the kernel serves in each entry
  more = more && ++looks_ <= 4 * (outstanding_ / entry_at_least + 1);
  if (!more) looks_ = 0;
  return more;
}

// Continues with what had used up its share in the last poll, before new completions.
void UringDriver::resume_partial() {
  rereading_.swap(unread_);
  for (const Unread& one : rereading_) {
    if (!alive(one.stream, one.generation)) continue;
    slot(one.stream).unread = false;
    readable(one.stream, one.generation);
  }
  rereading_.clear();
  accepting_.swap(unaccepted_);
  for (const ListenerId listener : accepting_) accept_some(listener);
  accepting_.clear();
  delivering_.swap(undelivered_);
  for (const UdpSocketId socket : delivering_) receive_datagrams(socket);
  delivering_.clear();
}

void UringDriver::dispatch(const io_uring_cqe& completion) {
  const auto op = static_cast<Op>(static_cast<std::uint32_t>(completion.user_data) >> op_shift);
  const auto index = static_cast<std::uint32_t>(completion.user_data) & index_mask;
  const bool last = !(completion.flags & IORING_CQE_F_MORE);
  if (op == Op::cancel) return;
  if (op == Op::send) return note_send(completion);
  if (last) --outstanding_;
  switch (op) {
    case Op::listener: {
      const auto listener = static_cast<ListenerId>(index);
      if (last && listeners_.fd(listener) >= 0) watch(op, index, listeners_.fd(listener));
      return accept_some(listener);
    }
    case Op::id: {
      const auto id = static_cast<ConnectId>(index);
      if (connects_.alive(id, static_cast<std::uint32_t>(completion.user_data >> 32)))
        connects_.finish(id, sink_);
      return;
    }
    case Op::watched: {
      const auto name = static_cast<WatchId>(index);
      const auto generation = static_cast<std::uint32_t>(completion.user_data >> 32);
      if (!watched_.alive(name, generation) || completion.res < 0) return;
      rewatched_.emplace_back(name, generation);
      const unsigned what =
          Watched::ready(watched_[name], completion.res & POLLIN, completion.res & POLLOUT,
                         completion.res & (POLLERR | POLLHUP));
      if (what) sink_.on_ready(name, static_cast<Interest>(what));
      return;
    }
    case Op::datagram: {
      const auto socket = static_cast<UdpSocketId>(index);
      if (!ports_.alive(socket, static_cast<std::uint32_t>(completion.user_data >> 32))) return;
      if (last) watch_datagrams(socket);
      return receive_datagrams(socket);
    }
    case Op::waker:
      if (last) watch(op, index, waker_.fd());
      return;
    default:
      return stream_completed(op, static_cast<StreamId>(index),
                              static_cast<std::uint32_t>(completion.user_data >> 32), completion);
  }
}

void UringDriver::stream_completed(Op op, StreamId stream, std::uint32_t generation,
                                   const io_uring_cqe& completion) {
  Slot& about = slot(stream);
  if (!(completion.flags & IORING_CQE_F_MORE)) {
    if (op == Op::receive) about.receive_armed = about.cancelling = false;
    if (op == Op::read_poll) about.read_poll_armed = about.cancelling = false;
    if (op == Op::write_poll) about.write_poll_armed = false;
    if (op == Op::reset_poll) about.reset_poll_armed = false;
    if (!about.closing) change(stream);
  }
  if (op == Op::receive) return received(stream, generation, completion);
  if (about.closing || completion.res < 0) return;
  if (op == Op::read_poll) {
    if (completion.res & (POLLPRI | POLLRDHUP | POLLHUP | POLLERR)) about.ending = true;
    return readable(stream, generation);
  }
  if (op == Op::write_poll) return write_more(stream);
  hung_up(stream);
}

}}}  // namespace evio::v0::detail
