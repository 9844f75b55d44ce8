#include <algorithm>
#include <cstdint>
#include <cstring>
#include <evio/handle.hpp>
#include <mutex>
#include <string>
#include <utility>

#include "handle_block.hpp"
#include "loop.hpp"

namespace evio::inline v1 {

// Mail to one connection: found again by name when it is delivered, since it may be gone by then.
struct ConnMail : Mail {
  // Bytes of memory that a small one takes, what the allocator adds included.
  static constexpr std::size_t usual_cost = 256;

  explicit ConnMail(std::shared_ptr<HandleBlock> to) : block(std::move(to)) {}
  void deliver(LoopCore& loop) final {
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
    at.mailbox().release(cost());
    arrived(at);
  }
  virtual std::size_t cost() const noexcept { return usual_cost; }
  virtual void arrived(HandleBlock&) const noexcept {}
  virtual void run(Connection& connection) = 0;

  std::shared_ptr<HandleBlock> block;
};

// Bytes that were sent through a handle.
struct SendMail : ConnMail {
  SendMail(std::shared_ptr<HandleBlock> to, std::size_t bytes) : ConnMail(std::move(to)), size(bytes) {}
  void arrived(HandleBlock& at) const noexcept final { at.arrived(*this); }
  void run(Connection& connection) final {
    try {
      write(connection);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (...) {  // a codec's, for a message that it cannot express
      connection.threw(std::current_exception());
    }
    connection.relieve();  // if it was dropped
  }
  virtual void write(Connection& connection) = 0;

  std::size_t size;
};

// Texts that were sent one right after the other, each behind its length, in the memory behind this. Each is written by
// itself, since it may be a message or a datagram.
struct TextMail : SendMail {
  using Length = std::uint16_t;
  TextMail(std::shared_ptr<HandleBlock> to, std::uint32_t bytes) : SendMail(std::move(to), 0), room(bytes) {}
  static constexpr std::size_t taken_by(std::string_view text) noexcept { return sizeof(Length) + text.size(); }
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
struct TextMailOf final : TextMail {
  static constexpr std::size_t room = bytes - sizeof(TextMail);
  static constexpr std::size_t cost_of = bytes + usual_cost / 2;
  explicit TextMailOf(std::shared_ptr<HandleBlock> to) : TextMail(std::move(to), room) {}
  std::size_t cost() const noexcept override { return cost_of; }

  char text[room];
};
using SmallText = TextMailOf<Mail::small_size>;
using LargeText = TextMailOf<Mail::large_size>;
static_assert(sizeof(SmallText) == Mail::small_size && sizeof(LargeText) == Mail::large_size);

struct BufferMail final : SendMail {
  BufferMail(std::shared_ptr<HandleBlock> to, Buffer from, Handler<void(std::error_code)> told)
      : SendMail(std::move(to), from.size()), bytes(std::move(from)), then(std::move(told)) {}
  std::size_t cost() const noexcept override { return usual_cost + size; }
  void write(Connection& connection) override {
    if (then)
      connection.write(std::move(bytes), std::move(then));
    else
      connection.write(std::move(bytes));
  }

  Buffer bytes;
  Handler<void(std::error_code)> then;
};

// A send that went beyond the bound, or came after one that did.
struct LostMail final : SendMail {
  LostMail(std::shared_ptr<HandleBlock> to, Handler<void(std::error_code)> told)
      : SendMail(std::move(to), 0), then(std::move(told)) {}
  void write(Connection& connection) override {
    connection.overflow();
    connection.write({}, std::move(then));
  }

  Handler<void(std::error_code)> then;
};

struct PostMail final : ConnMail {
  PostMail(std::shared_ptr<HandleBlock> to, Handler<void(Conn&)> from) : ConnMail(std::move(to)), fn(std::move(from)) {}
  void run(Connection& connection) override { connection.run(fn); }

  Handler<void(Conn&)> fn;
};

struct WakeMail final : ConnMail {
  using ConnMail::ConnMail;
  void arrived(HandleBlock& at) const noexcept override { at.wake_arrived(); }
  void run(Connection& connection) override { connection.wake(); }
};

struct CloseMail final : ConnMail {
  using ConnMail::ConnMail;
  void run(Connection& connection) override { connection.close(); }
};

struct DatagramMail final : Mail {
  DatagramMail(std::shared_ptr<HandleBlock> to, Buffer from) : block(std::move(to)), bytes(std::move(from)) {}
  static std::size_t cost_of(const Buffer& bytes) noexcept { return ConnMail::usual_cost + bytes.size(); }
  void done() noexcept override {
    if (block) block->mailbox().release(cost_of(bytes));
    delete this;
  }
  void deliver(LoopCore& loop) override {
    if (loop.starting()) {  // its socket is about to be bound
      loop.send_mail(std::make_unique<DatagramMail>(std::exchange(block, nullptr), std::move(bytes)));
      return;
    }
    const HandleBlock::Peer& peer = *block->peer();
    loop.datagrams().send(peer.socket, {.from = peer.local, .to = peer.remote, .bytes = bytes.view()});
  }

  std::shared_ptr<HandleBlock> block;
  Buffer bytes;
};

}  // namespace

// ---- Sends

// False: it and all that follow are to be dropped.
bool HandleBlock::room_for(std::size_t bytes, std::size_t cost) const noexcept {
  const std::size_t waiting = on_the_way() + queued_.load(std::memory_order_relaxed);
  return lost_ == Lost::nothing && waiting + bytes <= output_max_ && !costs_more(cost_ + cost, output_max_);
}

// Something that was sent cannot be kept: the connection ends.
void HandleBlock::lose(Lost why) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (lost_ != Lost::nothing) return;
    lost_ = why;
    end_mail_.alive = shared_from_this();
  }
  push(MailPointer(&end_mail_));
}

void HandleBlock::EndMail::deliver(LoopCore& loop) {
  Connection* const connection = loop.find(alive->stream(), alive->id());
  if (!connection) return;
  if (alive->lost_ == Lost::overflow) LoopCore::confine(*connection, [&] { connection->overflow(); });
  if (alive->lost_ == Lost::memory) connection->starve();
}

void HandleBlock::EndMail::done() noexcept { const std::shared_ptr<HandleBlock> keeps_this = std::move(alive); }

void HandleBlock::count(std::size_t bytes, std::size_t cost) noexcept {
  on_the_way_.store(on_the_way() + bytes, std::memory_order_relaxed);
  cost_ += cost;
}

void HandleBlock::arrived(const SendMail& mail) noexcept {
  const std::lock_guard lock(mutex_);
  on_the_way_.store(on_the_way() - mail.size, std::memory_order_relaxed);
  cost_ -= mail.cost();
  if (open_ == &mail) open_ = nullptr;
}

bool HandleBlock::push(MailPointer mail) {
  if (mailbox_->push(std::move(mail))) return true;
  mark_gone();
  return false;
}

template <class Made>
bool HandleBlock::push_counted(std::unique_ptr<Made> mail) {
  mailbox_->hold(mail->cost());
  const bool pushed = push(std::move(mail));
  mailbox_->count_call();
  return pushed;
}

bool HandleBlock::drop(std::unique_lock<std::mutex> lock) noexcept {
  lock.unlock();
  lose(Lost::overflow);
  return true;
}

bool HandleBlock::send(std::string_view bytes) {
  if (gone()) return false;
  try {
    if (peer_ || TextMail::taken_by(bytes) > LargeText::room) return send(Buffer(std::string(bytes)));
    return send_text(bytes);
  } catch (const std::bad_alloc&) {
    lose(Lost::memory);
    return true;
  }
}

bool HandleBlock::send(Buffer bytes, Handler<void(std::error_code)> done) {
  if (gone()) return false;
  if (!done && !peer_ && TextMail::taken_by(bytes.view()) <= SmallText::room) return send(bytes.view());
  try {
    return peer_ ? send_datagram(std::move(bytes)) : send_buffer(std::move(bytes), std::move(done));
  } catch (const std::bad_alloc&) {
    lose(Lost::memory);
    return true;
  }
}

bool HandleBlock::send_text(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  const bool goes_on = open_ && mailbox_->newest() == open_;
  const bool adds = goes_on && open_->has_room(bytes);
  const bool small = !goes_on && TextMail::taken_by(bytes) <= SmallText::room;
  const std::size_t cost = adds ? 0 : small ? SmallText::cost_of : LargeText::cost_of;
  if (!room_for(bytes.size(), cost)) return drop(std::move(lock));
  std::unique_ptr<TextMail> mail;
  if (small)
    mail = std::make_unique<SmallText>(shared_from_this());
  else if (!adds)
    mail = std::make_unique<LargeText>(shared_from_this());
  if (mail) open_ = mail.get();
  open_->add(bytes);
  count(bytes.size(), cost);
  lock.unlock();
  return !mail || push_counted(std::move(mail));
}

bool HandleBlock::send_buffer(Buffer bytes, Handler<void(std::error_code)> done) {
  std::unique_lock lock(mutex_);
  std::unique_ptr<SendMail> mail;
  if (room_for(bytes.size(), ConnMail::usual_cost + bytes.size()))
    mail = std::make_unique<BufferMail>(shared_from_this(), std::move(bytes), std::move(done));
  else if (done && !costs_more(cost_ / 2, output_max_))
    mail = std::make_unique<LostMail>(shared_from_this(), std::move(done));
  else
    return drop(std::move(lock));
  count(mail->size, mail->cost());
  lock.unlock();
  return push_counted(std::move(mail));
}

// Beyond the bound it is dropped, as the kernel does it.
bool HandleBlock::send_datagram(Buffer bytes) {
  const std::size_t cost = DatagramMail::cost_of(bytes);
  if (costs_more(mailbox_->held() + cost, output_max_)) return true;
  mailbox_->hold(cost);
  return push(std::make_unique<DatagramMail>(shared_from_this(), std::move(bytes)));
}

bool HandleBlock::post(Handler<void(Conn&)> fn) {
  return push_counted(std::make_unique<PostMail>(shared_from_this(), std::move(fn)));
}

// One that has not run yet will do, unless something else was sent since, which is to be seen by what this runs.
void HandleBlock::wake() noexcept {
  std::unique_ptr<WakeMail> mail;
  try {
    const std::lock_guard lock(mutex_);
    const std::uint64_t calls = mailbox_->calls();
    if (wakes_ > 0 && calls == calls_before_wake_) return;
    mail = std::make_unique<WakeMail>(shared_from_this());
    calls_before_wake_ = calls;
    ++wakes_;
  } catch (const std::bad_alloc&) {
    return lose(Lost::memory);
  }
  mailbox_->hold(mail->cost());
  push(std::move(mail));
}

void HandleBlock::wake_arrived() noexcept {
  const std::lock_guard lock(mutex_);
  --wakes_;
}

void HandleBlock::close() { push_counted(std::make_unique<CloseMail>(shared_from_this())); }

bool same(const HandleBlock& a, const HandleBlock& b) noexcept {
  if (&a == &b) return true;
  if (!a.peer_ || !b.peer_) return false;
  return a.mailbox_ == b.mailbox_ && a.peer_->socket == b.peer_->socket && a.peer_->remote == b.peer_->remote;
}

bool Handle::send(std::string_view bytes) const { return block_ && block_->send(bytes); }

bool Handle::send(std::span<const std::byte> bytes) const {
  return send(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

bool Handle::send(Buffer bytes) const { return block_ && block_->send(std::move(bytes)); }

bool Handle::send(Buffer bytes, Handler<void(std::error_code)> done) const {
  return block_ && block_->send(std::move(bytes), std::move(done));
}

bool Handle::post(Handler<void(Conn&)> fn) const {
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
  return evio::same(*a.block_, *b.block_);
}

}  // namespace evio::inline v1

std::size_t std::hash<evio::Handle>::operator()(const evio::Handle& handle) const noexcept {
  if (!handle.block_) return 0;
  const auto& peer = handle.block_->peer();
  return peer ? std::hash<evio::Address>{}(peer->remote) : std::hash<std::uint64_t>{}(handle.block_->id());
}
