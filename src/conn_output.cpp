// The output of a connection: queued by write(), and flushed as far as the kernel accepts it.
#include <algorithm>
#include <limits>
#include <utility>

#include "conn.hpp"
#include "handle_block.hpp"
#include "loop.hpp"

namespace evio { inline namespace v0 { namespace detail {

namespace {

// Receives what a codec encodes. Bytes that belong to the message are referenced where they are;
// only what the codec adds, such as a frame header, is copied.
class QueuedSink final : public ByteSink {
 public:
  QueuedSink(Output& output, std::string_view message, bool borrowed_input,
             const SharedBytes* owner) noexcept
      : output_(output), message_(message), lent_(borrowed_input), owner_(owner) {}

  void append(std::string_view bytes) override {
    if (owner_ && of_message(bytes))
      output_.append_shared(
          owner_->part(static_cast<std::size_t>(bytes.data() - message_.data()), bytes.size()));
    else if (lent_ && of_message(bytes))
      output_.append_borrowed(bytes);
    else
      output_.append_copy(bytes);
  }

 private:
  bool of_message(std::string_view bytes) const noexcept {
    return bytes.data() >= message_.data() &&
           bytes.data() + bytes.size() <= message_.data() + message_.size();
  }

  Output& output_;
  const std::string_view message_;
  const bool lent_;
  const SharedBytes* const owner_;
};

}  // namespace

// Checks that the connection still accepts `size` bytes of output, and then calls `append` with the
// queue.
template <class Append>
WriteResult Connection::append(std::size_t size, Append&& append) {
  if (!is_open() || flags_.write_shut) return WriteResult::Kind::dropped;
  if (pending_output() + size > limits().output_max) {
    overflow();
    return WriteResult::Kind::dropped;
  }
  if (size > 0) {
    if (!output_) output_ = loop_.pool().make_output();
    const std::size_t before = output_->size();
    try {
      append(*output_);
    } catch (...) {
      // Some of the bytes were appended. The peer must not see a gap, so the connection ends.
      if (output_->size() > before) starve();
      if (output_->empty()) release_output();
      throw;
    }
    publish_pending();
    schedule_update();
  }
  if (pending_output() <= limits().output_high) return WriteResult::Kind::accepted;
  flags_.congested = true;
  flags_.drained_pending = false;  // called later, when this output was sent, too
  return WriteResult::Kind::congested;
}

// Input that this connection's handler may read can be sent without a copy: run_data copies what is
// left when the handler has returned.
bool Connection::is_borrowed(std::string_view bytes) const noexcept {
  return loop_.current_connection == this && loop_.is_borrowed(bytes);
}

// Input that another connection's handler passes on (a proxy) would have to be copied, to be sent
// later. If it is large and no output is pending, it is sent now, without a copy.
std::size_t Connection::send_at_once(std::string_view bytes) {
  constexpr std::size_t large = 8 << 10;
  if (bytes.size() < large || loop_.current_connection == this || !loop_.is_borrowed(bytes))
    return 0;
  if (!flags_.attached || phase_ != Phase::open || flags_.write_shut || flags_.sending ||
      loop_.deferring_flush())
    return 0;
  if (pending_output() > 0 || bytes.size() > limits().output_max) return 0;
  const Chunk chunk{bytes.data(), bytes.size()};
  const std::size_t sent = loop_.driver().send_now(stream_, {&chunk, 1});
  if (sent > 0) count_sent(sent);
  return sent;
}

// A piece that send_at_once has sent in part continues as an ordinary write of the rest.
WriteResult Connection::write(std::initializer_list<std::string_view> pieces) {
  if (exchanges_datagrams()) return send_datagram(pieces);
  if (events().codec) return append_message(pieces);
  if (pieces.size() == 1) {
    const std::size_t sent = send_at_once(*pieces.begin());
    if (sent > 0 && sent == pieces.begin()->size()) return WriteResult::Kind::accepted;
    if (sent > 0) return write({pieces.begin()->substr(sent)});
  }
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  return append(size, [&](Output& output) {
    for (const std::string_view piece : pieces) append_piece(output, piece);
  });
}

void Connection::append_piece(Output& output, std::string_view bytes) const {
  if (is_borrowed(bytes))
    output.append_borrowed(bytes);
  else
    output.append_copy(bytes);
}

WriteResult Connection::write(SharedBytes bytes) {
  if (exchanges_datagrams()) return send_datagram({bytes.view()});
  if (events().codec) return append_message(bytes.view(), &bytes);
  return append(bytes.size(), [&](Output& output) { output.append_shared(std::move(bytes)); });
}

// Counts an empty message as one byte, since even an empty message has a frame.
WriteResult Connection::append_message(std::string_view message, const SharedBytes* owner) {
  return append(std::max<std::size_t>(message.size(), 1), [&](Output& output) {
    QueuedSink wire(output, message, is_borrowed(message), owner);
    events().codec.encode(message, wire);
  });
}

WriteResult Connection::append_message(std::initializer_list<std::string_view> pieces) {
  if (pieces.size() == 1) return append_message(*pieces.begin());
  std::string message;
  for (const std::string_view piece : pieces) message += piece;
  return append_message(message);
}

// Sends what the kernel accepts at once. The rest is copied if it was borrowed, and stays queued
// until the driver reports that it was sent.
void Connection::flush() {
  if (!output_ || flags_.sending || phase_ == Phase::connecting || phase_ == Phase::closing ||
      phase_ == Phase::finished)
    return;
  if (loop_.deferring_flush()) {
    output_->own();
    return loop_.schedule(*this);
  }
  Chunk room[64];
  on_sent(loop_.driver().send_now(stream_, output_->front(room)));
  while (output_ && !flags_.sending) {
    output_->own();
    const std::size_t taken = loop_.driver().send(stream_, output_->front_in_place());
    flags_.sending = taken == 0;
    on_sent(taken);
  }
}

// Callbacks and `drained` are not called here but by update(): a handler may be running.
void Connection::on_sent(std::size_t count) {
  if (count == 0) return;
  count_sent(count);
  output_->consume(count);
  if (flags_.pace_check_armed)
    extra_->min_progress_left -= std::min(extra_->min_progress_left, count);
  if (extra_ && extra_->completions) {
    extra_->completions->taken += count;
    loop_.schedule(*this);
  }
  if (output_->empty()) release_output();
  publish_pending();
  update_congestion();
}

// The callback is registered before the bytes are appended, so that it is called in every case:
// `end` stays `never` if nothing is appended, and complete() then reports an error.
void Connection::write(SharedBytes bytes, Callback<void(std::error_code)> done) {
  constexpr auto never = std::numeric_limits<std::uint64_t>::max();
  if (!extra().completions) extra().completions = std::make_unique<Completions>();
  Completions& all = *extra().completions;
  all.waiting.push_back({never, std::move(done)});
  loop_.pool().held += sizeof(Completions::One);
  loop_.schedule(*this);
  if (!is_open() || flags_.write_shut) return;
  write(std::move(bytes));  // if it throws, `end` stays `never`: the bytes are not sent
  all.waiting.back().end = all.taken + queued_output();
  if (costs_more(all.held(), limits().output_max)) overflow();
}

void Connection::count_sent(std::size_t count) noexcept {
  note_activity();
  loop_.counters().sent.add(count);
}

void Connection::update_congestion() noexcept {
  const std::size_t pending = pending_output();
  if (!flags_.congested || (pending > 0 && pending >= limits().output_low)) return;
  flags_.congested = false;
  flags_.drained_pending = true;
  flags_.redeliver_input = true;
  schedule_update();
}

void Connection::release_output() noexcept {
  if (output_) loop_.pool().give_back(std::exchange(output_, nullptr));
}

std::size_t Connection::queued_output() const noexcept {
  if (exchanges_datagrams()) return datagram_end().early_size;
  return output_ ? output_->size() : 0;
}

// Includes bytes that handles have sent and that the loop has not seen yet, so that the limit
// applies to both together.
std::size_t Connection::pending_output() const noexcept {
  const std::size_t queued = queued_output();
  return extra_ && extra_->handle ? queued + extra_->handle->on_the_way() : queued;
}

// Makes the figure available to Handle::pending_output, which other threads call.
void Connection::publish_pending() noexcept {
  if (extra_ && extra_->handle) extra_->handle->set_queued(output_ ? output_->size() : 0);
}

}}}  // namespace evio::v0::detail
