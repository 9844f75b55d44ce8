// What a connection sends: queued, and flushed as the kernel takes it.
#include <utility>

#include "conn.hpp"
#include "handle_block.hpp"
#include "loop.hpp"

namespace evio::inline v1 {

// Appends unless the connection takes no more; `append` is given the queue.
template <class Append>
bool Connection::append(std::size_t size, Append&& append) {
  if (!is_open() || flags_.write_shut) return false;
  if (pending_output() + size > limits().output_max) {
    overflow();
    return false;
  }
  if (size > 0) {
    if (!output_) output_ = loop_.pool().make_output();
    append(*output_);
    publish_pending();
    note();
  }
  if (pending_output() <= limits().output_high) return true;
  flags_.congested = true;
  flags_.drained_due = false;  // it comes when this has gone
  return false;
}

// Lent input is sent from where it is.
bool Connection::is_lent(std::string_view bytes) const noexcept {
  const std::string_view lent = loop_.running == this ? loop_.lent : std::string_view();
  return bytes.data() >= lent.data() && bytes.data() < lent.data() + lent.size();
}

bool Connection::write(std::initializer_list<std::string_view> pieces) {
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  return append(size, [&](Output& output) {
    for (const std::string_view piece : pieces) {
      if (is_lent(piece))
        output.append_lent(piece);
      else
        output.append_copy(piece);
    }
  });
}

bool Connection::write(Buffer bytes) {
  return append(bytes.size(), [&](Output& output) { output.append_shared(std::move(bytes)); });
}

// Sends what the kernel takes at once; what it does not take stays, owned, until the driver says that it was sent.
void Connection::flush() {
  if (!output_ || flags_.sending || phase_ == Phase::connecting || phase_ == Phase::closing ||
      phase_ == Phase::finished)
    return;
  if (loop_.gathering()) {
    output_->own();
    return loop_.touch(*this);
  }
  Chunk room[64];
  took(loop_.driver().send_now(stream_, output_->front(room)));
  while (output_ && !flags_.sending) {
    output_->own();
    const std::size_t taken = loop_.driver().send(stream_, output_->front_in_place());
    flags_.sending = taken == 0;
    took(taken);
  }
}

void Connection::took(std::size_t count) {
  if (count == 0) return;
  note_activity();
  loop_.counters().sent.add(count);
  output_->consume(count);
  if (output_->empty()) release_output();
  publish_pending();
  relieve();
}

void Connection::relieve() noexcept {
  const std::size_t pending = pending_output();
  if (!flags_.congested || (pending > 0 && pending >= limits().output_low)) return;
  flags_.congested = false;
  flags_.drained_due = true;
  flags_.offer = true;
  note();
}

void Connection::release_output() noexcept {
  if (output_) loop_.pool().give_back(std::exchange(output_, nullptr));
}

std::size_t Connection::pending_output() const noexcept {
  const std::size_t queued = output_ ? output_->size() : 0;
  return rare_ && rare_->handle ? queued + rare_->handle->on_the_way() : queued;
}

// For those who ask through handles.
void Connection::publish_pending() noexcept {
  if (rare_ && rare_->handle) rare_->handle->set_queued(output_ ? output_->size() : 0);
}

}  // namespace evio::inline v1
