// How a stream of the io_uring driver receives: by the ring, or in readiness mode.
#include <poll.h>
#include <sys/socket.h>

#include "backend/posix/io.hpp"
#include "backend/uring/uring_driver.hpp"

namespace evio { inline namespace v0 { namespace detail {
namespace {

// So many consecutive large receives switch to readiness mode, and so many small reads back.
constexpr int large_reads_for_bulk = 2;
constexpr int small_reads_for_ring = 7;

}  // namespace

// A buffer is always given back, even if its stream has ended meanwhile. Bytes for a stream that
// closes by an error or detaches are still delivered, since they arrived before that.
void UringDriver::received(StreamId stream, std::uint32_t generation,
                           const io_uring_cqe& completion) {
  if (completion.flags & IORING_CQE_F_BUFFER) {
    const auto id = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    const auto size = static_cast<std::size_t>(std::max(completion.res, 0));
    const Slot& from = slot(stream);
    const bool wanted = alive(stream, generation) ||
                        (from.closing && (from.detaching || (from.error && from.receiving)));
    if (wanted && size > 0) {
      update_receive_mode(stream, size);
      sink_.on_received(stream, buffers_->bytes(id, size));
    }
    buffers_->give_back(id);
    const bool more = completion.flags & IORING_CQE_F_SOCK_NONEMPTY;
    if (size > 0 && !more && alive(stream, generation) && slot(stream).begins)
      look_for_reset(stream);
    if (size > 0) return;
  }
  if (!alive(stream, generation) || slot(stream).ended) return;
  Slot& from = slot(stream);
  switch (completion.res) {
    case 0:
      from.ended = true;
      return sink_.on_end_of_stream(stream);
    case -ENOBUFS:  // other streams use all buffers, and might do so again
      from.readiness_mode = true;
      return;
    case -ECANCELED:
    case -EINTR:
    case -EAGAIN:
      return;  // armed again if reading is still wanted
    default:
      return begin_close(stream, -completion.res);
  }
}

// If bytes and a reset have arrived before a multishot receive is armed, it delivers the bytes but
// does not report the reset (seen with Linux 6.18). So this checks for an error once, when the
// bytes that were there are delivered.
void UringDriver::look_for_reset(StreamId stream) {
  slot(stream).begins = false;
  if (const int error = pending_error(slot(stream).fd)) begin_close(stream, error);
}

// Switches to readiness mode when a stream repeatedly sends more than fits into a provided buffer:
// for such a stream, reads into a large buffer cost much less.
void UringDriver::update_receive_mode(StreamId stream, std::size_t size) {
  Slot& from = slot(stream);
  if (size < BufferRing::size) {
    from.large_reads = 0;
  } else if (++from.large_reads >= large_reads_for_bulk) {
    from.large_reads = 0;
    from.readiness_mode = true;
    change(stream);
  }
}

void UringDriver::update_read_mode(StreamId stream, std::size_t size) {
  Slot& from = slot(stream);
  if (size > BufferRing::size / 2) {
    from.large_reads = 0;
  } else if (++from.large_reads >= small_reads_for_ring) {
    from.large_reads = 0;
    from.readiness_mode = false;
    change(stream);
  }
}

// Reads once in readiness mode. A multishot poll reports each arrival once. So what is left must be
// remembered in unread_; and if reading is off, the poll is cancelled, and armed anew later, which
// reports the bytes again. One read is the stream's share of an iteration.
void UringDriver::readable(StreamId stream, std::uint32_t generation) {
  if (!alive(stream, generation)) return;
  Slot& from = slot(stream);
  if (from.ended || from.unread) return;
  if (!from.receiving || !from.readiness_mode) {
    if (from.read_poll_armed) stop_reading(stream, from);
    return;
  }
  const IoResult result = receive(from.fd, {buffer_.get(), buffer_size});
  if (result.again()) {
    from.ending = false;
    return;
  }
  if (result.error) return begin_close(stream, result.error);
  if (result.count == 0) {
    from.ended = true;
    change(stream);
    return sink_.on_end_of_stream(stream);
  }
  // A read ends at urgent data, and on a unix socket at the bytes with which descriptors were sent:
  // even a short read may leave bytes.
  if (from.ending || from.unix_domain || result.count == buffer_size) {
    from.unread = true;
    unread_.push_back({stream, generation});
  }
  update_read_mode(stream, result.count);
  sink_.on_received(stream, {buffer_.get(), result.count});
}

// A reset ends the stream. The end of both directions alone needs nothing here, with one exception:
// if a unix socket's end arrives before all bytes were received, the multishot receive does not
// report it (seen with Linux 6.18). Then the rest is read in readiness mode.
void UringDriver::hung_up(StreamId stream) {
  Slot& about = slot(stream);
  if (const int error = pending_error(about.fd)) return begin_close(stream, error);
  if (about.unix_domain && !about.readiness_mode) {
    about.readiness_mode = true;
    change(stream);
  }
}

}}}  // namespace evio::v0::detail
