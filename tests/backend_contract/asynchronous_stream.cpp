#include "asynchronous_stream.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "backend/posix/io.hpp"

namespace evio::test {

using namespace detail;

namespace {

constexpr std::size_t buffer_size = 16 << 10;
constexpr std::size_t late_max = 256 << 10;  // what may be received after receiving was stopped

std::string joined(std::span<const Chunk> chunks) {
  std::string bytes;
  for (const Chunk& chunk : chunks) bytes.append(chunk.data, chunk.size);
  return bytes;
}

}  // namespace

void broke_a_rule(const char* rule) {
  std::fprintf(stderr, "the driver's user broke a rule: %s\n", rule);
  std::abort();
}

AsynchronousStream::~AsynchronousStream() {
  if (fd_ >= 0) ::close(fd_);
}

int AsynchronousStream::release() noexcept { return std::exchange(fd_, -1); }

// ---- Down calls

void AsynchronousStream::check_nothing_in_flight() const {
  if (fate_ == Fate::closing) broke_a_rule("a down call after close");
  if (fate_ == Fate::detaching) broke_a_rule("a down call after detach");
  if (send_) broke_a_rule("one send in flight a stream, and nothing that must come behind it");
}

void AsynchronousStream::send(std::span<const Chunk> chunks) {
  check_nothing_in_flight();
  if (shutdown_due_) broke_a_rule("a send after shutdown_send");
  send_ = Send{
      .chunks = chunks, .chunks_copy = {chunks.begin(), chunks.end()}, .bytes = joined(chunks)};
  if (send_->bytes.empty()) broke_a_rule("a send of nothing");
}

void AsynchronousStream::set_receiving(bool receiving) {
  if (fate_ == Fate::closing) broke_a_rule("a down call after close");
  if (fate_ == Fate::detaching && receiving) broke_a_rule("receiving after detach");
  if (receiving) {
    receive_ = Receive::armed;
    landed_late_ = 0;
  } else if (receive_ == Receive::armed) {
    receive_ = Receive::stopping;
  }
}

void AsynchronousStream::shutdown_send() {
  check_nothing_in_flight();
  shutdown_due_ = true;
}

bool AsynchronousStream::is_drained() const {
  return !send_ && landed_.empty() && nothing_unsent_or_unread(fd_);
}

void AsynchronousStream::detach() {
  check_nothing_in_flight();
  fate_ = Fate::detaching;
}

void AsynchronousStream::close(CloseMode mode) {
  if (fate_ == Fate::closing) broke_a_rule("a second close");
  if (mode == CloseMode::abort) reset_on_close(fd_);
  fate_ = Fate::closing;
  cancelled_ = false;
}

// ---- The kernel

std::optional<short> AsynchronousStream::wants() const noexcept {
  if (leaving()) return std::nullopt;
  const bool reads = receive_ != Receive::off && end_ == End::none;
  const bool writes = send_ && !send_->done;
  if (hung_up_ && !reads && !writes) return std::nullopt;
  return static_cast<short>((reads && !readable_ ? POLLIN : 0) |
                            (writes && !writable_ ? POLLOUT : 0));
}

void AsynchronousStream::notice(short events) {
  if (events & POLLIN) readable_ = true;
  if (events & POLLOUT) writable_ = true;
  if (!(events & (POLLERR | POLLHUP))) return;
  hung_up_ = true;
  readable_ = writable_ = true;
  error_ = pending_error(fd_);
}

bool AsynchronousStream::work(Chance& chance, const Faults& faults, int& buffers) {
  if (!leaving() && faults.reset > 0 && chance(faults.reset)) {
    reset_on_close(fd_);
    error_ = ECONNRESET;
  }
  if (leaving()) return work_on_leaving(chance, faults);
  bool more = work_on_receive(chance, faults);
  more |= work_on_send(chance, faults);
  more |= work_on_shutdown(chance, faults);
  if (wants_buffer() && buffers > 0) {
    if (chance(faults.idle)) return true;
    land(chance, buffers);
    more = true;
  }
  return more || leaving();
}

bool AsynchronousStream::wants_buffer() const noexcept {
  const bool room =
      receive_ == Receive::armed || (receive_ == Receive::stopping && landed_late_ < late_max);
  return readable_ && room && end_ == End::none && !leaving();
}

// A receive returns bytes or nothing; bytes after receiving was stopped are counted.
void AsynchronousStream::land(Chance& chance, int& buffers) {
  std::string bytes(chance.upto(buffer_size), '\0');
  const IoResult result = receive(fd_, bytes);
  if (result.again()) {
    readable_ = false;
  } else if (result.error) {
    error_ = result.error;
  } else if (result.count == 0) {
    end_ = End::landed;
  } else {
    bytes.resize(result.count);
    if (receive_ == Receive::stopping) landed_late_ += bytes.size();
    landed_.push_back(std::move(bytes));
    --buffers;
  }
}

bool AsynchronousStream::work_on_receive(Chance& chance, const Faults& faults) {
  if (receive_ != Receive::stopping) return false;
  if (chance(faults.idle)) return true;
  receive_ = Receive::off;
  return false;
}

void AsynchronousStream::check_memory() const {
  const auto same_chunk = [](const Chunk& a, const Chunk& b) {
    return a.data == b.data && a.size == b.size;
  };
  if (!std::equal(send_->chunks.begin(), send_->chunks.end(), send_->chunks_copy.begin(),
                  same_chunk))
    broke_a_rule("the chunks stay in place until on_sent or on_closed");
  if (joined(send_->chunks_copy) != send_->bytes)
    broke_a_rule("the bytes stay in place until on_sent or on_closed");
}

// The bytes are sent from the caller's memory, at any time until the send is reported.
bool AsynchronousStream::work_on_send(Chance& chance, const Faults& faults) {
  if (!send_) return false;
  check_memory();
  if (send_->done) return false;
  if (chance(faults.idle)) return true;
  if (!writable_) return false;
  const std::string_view left = std::string_view(send_->bytes).substr(send_->count);
  const Chunk part{.data = left.data(), .size = chance.upto(left.size())};
  const IoResult result = detail::send(fd_, {&part, 1});
  if (result.again()) {
    writable_ = false;
    send_->done = send_->count > 0 && chance(faults.partial_send);
    return send_->done;
  }
  if (result.error) {
    error_ = result.error;
    return true;
  }
  send_->count += result.count;
  send_->done = send_->count == send_->bytes.size() || chance(faults.partial_send);
  return true;
}

bool AsynchronousStream::work_on_shutdown(Chance& chance, const Faults& faults) {
  if (!shutdown_due_) return false;
  if (chance(faults.idle)) return true;
  ::shutdown(fd_, SHUT_WR);
  shutdown_due_ = false;
  return false;
}

// The pending operations end now or after some steps.
bool AsynchronousStream::work_on_leaving(Chance& chance, const Faults& faults) {
  if (cancelled_) return false;
  if (send_) check_memory();
  if (chance(faults.idle)) return true;
  if (shutdown_due_ && !broken()) ::shutdown(fd_, SHUT_WR);
  shutdown_due_ = false;
  cancelled_ = true;
  return false;
}

// ---- What is to be reported

// A closing stream reports only its end. A broken or detached stream first reports the bytes that
// it received.
AsynchronousStream::News AsynchronousStream::news() const noexcept {
  if (fate_ == Fate::closing) return cancelled_ ? News::closed : News::none;
  if (!landed_.empty()) return News::bytes;
  if (end_ == End::landed) return News::end;
  if (leaving()) {
    if (!cancelled_) return News::none;
    return broken() ? News::closed : News::detached;
  }
  return send_ && send_->done ? News::sent : News::none;
}

std::string AsynchronousStream::take_bytes() {
  std::string bytes = std::move(landed_.front());
  landed_.pop_front();
  return bytes;
}

std::size_t AsynchronousStream::take_sent() {
  check_memory();
  const std::size_t count = send_->count;
  send_.reset();
  return count;
}

// Returns the number of buffers that become free.
int AsynchronousStream::drop_landed() noexcept {
  const auto count = static_cast<int>(landed_.size());
  landed_.clear();
  return count;
}

std::error_code AsynchronousStream::error() const noexcept {
  if (fate_ == Fate::closing) return {};
  return {error_, std::generic_category()};
}

}  // namespace evio::test
