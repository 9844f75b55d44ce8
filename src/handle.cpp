// Handle: sends and posts to a connection from any thread, as tasks of its loop.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <evio/handle.hpp>
#include <mutex>
#include <string>
#include <utility>

#include "handle_block.hpp"
#include "loop.hpp"

namespace evio { inline namespace v0 { namespace detail {

// A task for one connection. It stores the connection's ids, not a pointer: the connection may have
// closed when the task runs.
struct ConnTask : Task {
  // The memory of a small task, in bytes, with an estimate of the allocator's overhead.
  static constexpr std::size_t usual_cost = 256;

  explicit ConnTask(std::shared_ptr<HandleBlock> to) : block(std::move(to)) {}
  void run_on(LoopCore& loop) final {
    const std::shared_ptr<HandleBlock> to = std::move(block);
    arrive(*to);
    Connection* connection = loop.find(to->stream(), to->id());
    if (connection) LoopCore::confine(*connection, [&] { run(*connection); });
  }
  void done() noexcept final {
    if (block) arrive(*block);
    delete this;
  }
  void arrive(HandleBlock& at) const noexcept {
    at.tasks().release(cost());
    arrived(at);
  }
  virtual std::size_t cost() const noexcept { return usual_cost; }
  virtual void arrived(HandleBlock&) const noexcept {}
  virtual void run(Connection& connection) = 0;

  std::shared_ptr<HandleBlock> block;
};

// Sends bytes to the connection.
struct SendTask : ConnTask {
  SendTask(std::shared_ptr<HandleBlock> to, std::size_t bytes)
      : ConnTask(std::move(to)), size(bytes) {}
  void arrived(HandleBlock& at) const noexcept final { at.arrived(*this); }
  void run(Connection& connection) final {
    try {
      write(connection);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (...) {  // from a codec that cannot encode the message
      connection.on_exception(std::current_exception());
    }
    connection.update_congestion();  // the write may have dropped the bytes
  }
  virtual void write(Connection& connection) = 0;

  std::size_t size;
};

// Several small sends in one task. Their bytes are stored after this object, each text after its
// length. Each is written by a call of its own, since it may be a message of the codec.
struct InlineSend : SendTask {
  using Length = std::uint16_t;
  InlineSend(std::shared_ptr<HandleBlock> to, std::uint32_t bytes)
      : SendTask(std::move(to), 0), room(bytes) {}
  static constexpr std::size_t taken_by(std::string_view text) noexcept {
    return sizeof(Length) + text.size();
  }
  bool has_room(std::string_view text) const noexcept { return taken_by(text) <= room - used; }
  void add(std::string_view text) noexcept {
    const auto length = static_cast<Length>(text.size());
    std::memcpy(memory() + used, &length, sizeof length);
    text.copy(memory() + used + sizeof length, length);
    used += static_cast<std::uint32_t>(taken_by(text));
    size += length;
  }
  void write(Connection& connection) final {
    for (std::size_t at = 0; at < used;) {
      Length length = 0;
      std::memcpy(&length, memory() + at, sizeof length);
      connection.write({std::string_view(memory() + at + sizeof length, length)});
      at += sizeof length + length;
    }
  }
  char* memory() noexcept { return reinterpret_cast<char*>(this + 1); }

  const std::uint32_t room;
  std::uint32_t used = 0;
};

namespace {

template <std::size_t bytes>
struct InlineSendOf final : InlineSend {
  static constexpr std::size_t room = bytes - sizeof(InlineSend);
  static constexpr std::size_t cost_of = bytes + usual_cost / 2;
  explicit InlineSendOf(std::shared_ptr<HandleBlock> to) : InlineSend(std::move(to), room) {}
  std::size_t cost() const noexcept override { return cost_of; }

  char text[room];
};
using SmallText = InlineSendOf<Task::small_size>;
using LargeText = InlineSendOf<Task::large_size>;
static_assert(sizeof(SmallText) == Task::small_size && sizeof(LargeText) == Task::large_size);

struct SharedSend final : SendTask {
  SharedSend(std::shared_ptr<HandleBlock> to, SharedBytes from,
             Callback<void(std::error_code)> told)
      : SendTask(std::move(to), from.size()), bytes(std::move(from)), then(std::move(told)) {}
  std::size_t cost() const noexcept override { return usual_cost + size; }
  void write(Connection& connection) override {
    if (then)
      connection.write(std::move(bytes), std::move(then));
    else
      connection.write(std::move(bytes));
  }

  SharedBytes bytes;
  Callback<void(std::error_code)> then;
};

// A send with a callback that exceeded output_max, or followed one that did. It sends nothing, but
// the callback is called with an error.
struct DroppedSend final : SendTask {
  DroppedSend(std::shared_ptr<HandleBlock> to, Callback<void(std::error_code)> told)
      : SendTask(std::move(to), 0), then(std::move(told)) {}
  void write(Connection& connection) override {
    connection.overflow();
    connection.write({}, std::move(then));
  }

  Callback<void(std::error_code)> then;
};

struct PostTask final : ConnTask {
  PostTask(std::shared_ptr<HandleBlock> to, Callback<void(Conn&)> from)
      : ConnTask(std::move(to)), fn(std::move(from)) {}
  void run(Connection& connection) override { connection.run(fn); }

  Callback<void(Conn&)> fn;
};

struct WakeTask final : ConnTask {
  using ConnTask::ConnTask;
  void arrived(HandleBlock& at) const noexcept override { at.wake_arrived(); }
  void run(Connection& connection) override { connection.wake(); }
};

struct CloseTask final : ConnTask {
  using ConnTask::ConnTask;
  void run(Connection& connection) override { connection.close(); }
};

struct DatagramTask final : Task {
  DatagramTask(std::shared_ptr<HandleBlock> to, SharedBytes from)
      : block(std::move(to)), bytes(std::move(from)) {}
  static std::size_t cost_of(const SharedBytes& bytes) noexcept {
    return ConnTask::usual_cost + bytes.size();
  }
  void done() noexcept override {
    if (block) block->tasks().release(cost_of(bytes));
    delete this;
  }
  void run_on(LoopCore& loop) override {
    if (loop.starting()) {  // the socket is not bound yet: try again in the next iteration
      loop.post_task(
          std::make_unique<DatagramTask>(std::exchange(block, nullptr), std::move(bytes)));
      return;
    }
    const HandleBlock::Peer& peer = *block->peer();
    loop.datagrams().send(peer.socket,
                          {.from = peer.local, .to = peer.remote, .bytes = bytes.view()});
  }

  std::shared_ptr<HandleBlock> block;
  SharedBytes bytes;
};

}  // namespace

// ---- Sends

// Whether a send may be queued. If not, it and all later ones must be dropped.
bool HandleBlock::room_for(std::size_t bytes, std::size_t cost) const noexcept {
  const std::size_t waiting = on_the_way() + queued_.load(std::memory_order_relaxed);
  return lost_ == Lost::nothing && waiting + bytes <= output_max_ &&
         !costs_more(cost_ + cost, output_max_);
}

// A send is lost, so the connection must end: otherwise the peer would see a gap.
void HandleBlock::lose(Lost why) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (lost_ != Lost::nothing) return;
    lost_ = why;
    end_task_.alive = shared_from_this();
  }
  push(TaskPointer(&end_task_));
}

void HandleBlock::EndTask::run_on(LoopCore& loop) {
  Connection* const connection = loop.find(alive->stream(), alive->id());
  if (!connection) return;
  if (alive->lost_ == Lost::overflow)
    LoopCore::confine(*connection, [&] { connection->overflow(); });
  if (alive->lost_ == Lost::memory) connection->starve();
}

void HandleBlock::EndTask::done() noexcept {
  const std::shared_ptr<HandleBlock> keeps_this = std::move(alive);
}

void HandleBlock::count(std::size_t bytes, std::size_t cost) noexcept {
  on_the_way_.store(on_the_way() + bytes, std::memory_order_relaxed);
  cost_ += cost;
}

void HandleBlock::arrived(const SendTask& task) noexcept {
  const std::lock_guard lock(mutex_);
  on_the_way_.store(on_the_way() - task.size, std::memory_order_relaxed);
  cost_ -= task.cost();
  if (open_ == &task) open_ = nullptr;
}

bool HandleBlock::push(TaskPointer task) {
  if (tasks_->push(std::move(task))) return true;
  mark_gone();
  return false;
}

template <class Made>
bool HandleBlock::push_counted(std::unique_ptr<Made> task) {
  tasks_->hold(task->cost());
  const bool pushed = push(std::move(task));
  tasks_->count_call();
  return pushed;
}

// Returns true like a successful send: the caller learns of the loss when the connection closes.
bool HandleBlock::drop(std::unique_lock<std::mutex> lock) noexcept {
  lock.unlock();
  lose(Lost::overflow);
  return true;
}

bool HandleBlock::send(std::string_view bytes) {
  if (gone()) return false;
  try {
    if (peer_ || InlineSend::taken_by(bytes) > LargeText::room)
      return send(SharedBytes(std::string(bytes)));
    return send_text(bytes);
  } catch (const std::bad_alloc&) {
    lose(Lost::memory);
    return true;
  }
}

bool HandleBlock::send(SharedBytes bytes, Callback<void(std::error_code)> done) {
  if (gone()) return false;
  if (!done && !peer_ && InlineSend::taken_by(bytes.view()) <= SmallText::room)
    return send(bytes.view());
  try {
    return peer_ ? send_datagram(std::move(bytes)) : send_buffer(std::move(bytes), std::move(done));
  } catch (const std::bad_alloc&) {
    lose(Lost::memory);
    return true;
  }
}

// Adds the bytes to the last task if that is still the newest one in the queue, so that many small
// sends cost one task. Otherwise the order of sends and posts would change. The first task of a
// series is small, since most series have only one send.
bool HandleBlock::send_text(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  const bool goes_on = open_ && tasks_->newest() == open_;
  const bool adds = goes_on && open_->has_room(bytes);
  const bool small = !goes_on && InlineSend::taken_by(bytes) <= SmallText::room;
  const std::size_t cost = adds ? 0 : small ? SmallText::cost_of : LargeText::cost_of;
  if (!room_for(bytes.size(), cost)) return drop(std::move(lock));
  std::unique_ptr<InlineSend> task;
  if (small)
    task = std::make_unique<SmallText>(shared_from_this());
  else if (!adds)
    task = std::make_unique<LargeText>(shared_from_this());
  if (task) open_ = task.get();
  open_->add(bytes);
  count(bytes.size(), cost);
  lock.unlock();
  return !task || push_counted(std::move(task));
}

// A dropped send with a callback still needs a task, which calls the callback.
bool HandleBlock::send_buffer(SharedBytes bytes, Callback<void(std::error_code)> done) {
  std::unique_lock lock(mutex_);
  std::unique_ptr<SendTask> task;
  if (room_for(bytes.size(), ConnTask::usual_cost + bytes.size()))
    task = std::make_unique<SharedSend>(shared_from_this(), std::move(bytes), std::move(done));
  else if (done && !costs_more(cost_ / 2, output_max_))
    task = std::make_unique<DroppedSend>(shared_from_this(), std::move(done));
  else
    return drop(std::move(lock));
  count(task->size, task->cost());
  lock.unlock();
  return push_counted(std::move(task));
}

// Beyond the limit a datagram is dropped, as the kernel does when its buffer is full.
bool HandleBlock::send_datagram(SharedBytes bytes) {
  const std::size_t cost = DatagramTask::cost_of(bytes);
  if (costs_more(tasks_->held() + cost, output_max_)) return true;
  tasks_->hold(cost);
  return push(std::make_unique<DatagramTask>(shared_from_this(), std::move(bytes)));
}

bool HandleBlock::post(Callback<void(Conn&)> fn) {
  return push_counted(std::make_unique<PostTask>(shared_from_this(), std::move(fn)));
}

// If a wake is queued already, another one is needed only if something was sent after it: `data`
// must run after that has arrived.
void HandleBlock::wake() noexcept {
  std::unique_ptr<WakeTask> task;
  try {
    const std::lock_guard lock(mutex_);
    const std::uint64_t calls = tasks_->calls();
    if (wakes_ > 0 && calls == calls_before_wake_) return;
    task = std::make_unique<WakeTask>(shared_from_this());
    calls_before_wake_ = calls;
    ++wakes_;
  } catch (const std::bad_alloc&) {
    return lose(Lost::memory);
  }
  tasks_->hold(task->cost());
  push(std::move(task));
}

void HandleBlock::wake_arrived() noexcept {
  const std::lock_guard lock(mutex_);
  --wakes_;
}

void HandleBlock::close() { push_counted(std::make_unique<CloseTask>(shared_from_this())); }

bool same(const HandleBlock& a, const HandleBlock& b) noexcept {
  if (&a == &b) return true;
  if (!a.peer_ || !b.peer_) return false;
  return a.tasks_ == b.tasks_ && a.peer_->socket == b.peer_->socket &&
         a.peer_->remote == b.peer_->remote;
}

}}}  // namespace evio::v0::detail

namespace evio { inline namespace v0 {

bool Handle::send(std::string_view bytes) const { return block_ && block_->send(bytes); }

bool Handle::send(std::span<const std::byte> bytes) const {
  return send(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

bool Handle::send(SharedBytes bytes) const { return block_ && block_->send(std::move(bytes)); }

bool Handle::send(SharedBytes bytes, Callback<void(std::error_code)> done) const {
  return block_ && block_->send(std::move(bytes), std::move(done));
}

bool Handle::post(Callback<void(Conn&)> fn) const {
  if (!block_ || block_->peer() || block_->gone()) return false;
  return block_->post(std::move(fn));
}

void Handle::wake() const {
  if (block_ && !block_->peer() && !block_->gone()) block_->wake();
}

void Handle::close() const {
  if (block_ && !block_->peer() && !block_->gone()) block_->close();
}

std::size_t Handle::pending_output() const noexcept { return block_ ? block_->pending() : 0; }

std::uint64_t Handle::id() const noexcept { return block_ ? block_->id() : 0; }

bool Handle::same(const Handle& a, const Handle& b) noexcept {
  if (!a.block_ || !b.block_) return a.block_ == b.block_;
  return detail::same(*a.block_, *b.block_);
}

}}  // namespace evio::v0

std::size_t std::hash<evio::Handle>::operator()(const evio::Handle& handle) const noexcept {
  if (!handle.block_) return 0;
  const auto& peer = handle.block_->peer();
  return peer ? std::hash<evio::Address>{}(peer->remote)
              : std::hash<std::uint64_t>{}(handle.block_->id());
}
