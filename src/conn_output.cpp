// What a connection sends: queued, and flushed as the kernel takes it.
#include <algorithm>
#include <limits>
#include <utility>

#include "conn.hpp"
#include "handle_block.hpp"
#include "loop.hpp"

namespace evio::inline v1 {

namespace {

// Copies what a codec makes up, and leaves the message's own bytes where they are.
class QueuedWire final : public Wire {
 public:
  QueuedWire(Output& output, std::string_view message, bool lent, const Buffer* owner) noexcept
      : output_(output), message_(message), lent_(lent), owner_(owner) {}

  void append(std::string_view bytes) override {
    if (owner_ && of_message(bytes))
      output_.append_shared(owner_->part(static_cast<std::size_t>(bytes.data() - message_.data()), bytes.size()));
    else if (lent_ && of_message(bytes))
      output_.append_lent(bytes);
    else
      output_.append_copy(bytes);
  }

 private:
  bool of_message(std::string_view bytes) const noexcept {
    return bytes.data() >= message_.data() && bytes.data() + bytes.size() <= message_.data() + message_.size();
  }

  Output& output_;
  const std::string_view message_;
  const bool lent_;
  const Buffer* const owner_;
};

}  // namespace

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
    try {
      append(*output_);
    } catch (...) {
      if (output_->empty()) release_output();
      throw;
    }
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
  if (events().codec) return append_message(pieces);
  return append(size, [&](Output& output) {
    for (const std::string_view piece : pieces) append_piece(output, piece);
  });
}

void Connection::append_piece(Output& output, std::string_view bytes) const {
  if (is_lent(bytes))
    output.append_lent(bytes);
  else
    output.append_copy(bytes);
}

bool Connection::write(Buffer bytes) {
  if (events().codec) return append_message(bytes.view(), &bytes);
  return append(bytes.size(), [&](Output& output) { output.append_shared(std::move(bytes)); });
}

// Also an empty message has bytes.
bool Connection::append_message(std::string_view message, const Buffer* owner) {
  return append(std::max<std::size_t>(message.size(), 1), [&](Output& output) {
    QueuedWire wire(output, message, is_lent(message), owner);
    events().codec.encode(message, wire);
  });
}

bool Connection::append_message(std::initializer_list<std::string_view> pieces) {
  if (pieces.size() == 1) return append_message(*pieces.begin());
  std::string message;
  for (const std::string_view piece : pieces) message += piece;
  return append_message(message);
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
  if (flags_.paced) rare_->owed -= std::min(rare_->owed, count);
  if (rare_ && rare_->completions) {
    rare_->completions->taken += count;
    loop_.touch(*this);
  }
  if (output_->empty()) release_output();
  publish_pending();
  relieve();
}

void Connection::write(Buffer bytes, Handler<void(std::error_code)> done) {
  const bool dropped = !is_open() || flags_.write_shut;
  if (!dropped) write(std::move(bytes));
  if (!rare().completions) rare().completions = std::make_unique<Completions>();
  Completions& all = *rare().completions;
  const std::uint64_t end = all.taken + (output_ ? output_->size() : 0);
  all.waiting.push_back({dropped ? std::numeric_limits<std::uint64_t>::max() : end, std::move(done)});
  loop_.touch(*this);
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
