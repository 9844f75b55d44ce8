#include <algorithm>
#include <evio/handle.hpp>
#include <string>
#include <utility>

#include "handle_block.hpp"
#include "loop.hpp"

namespace evio::inline v1 {

namespace {

// Mail to one connection: found again by name when it is delivered, since it may be gone by then.
struct ConnMail : Mail {
  explicit ConnMail(std::shared_ptr<HandleBlock> to) : block(std::move(to)) {}
  void deliver(LoopCore& loop) final {
    arrived();
    if (Connection* connection = loop.find(block->stream(), block->id())) run(*connection);
  }
  virtual void arrived() noexcept {}
  virtual void run(Connection& connection) = 0;

  std::shared_ptr<HandleBlock> block;
};

// Bytes that were sent through a handle; a small text is kept within the mail.
struct SendMail : ConnMail {
  SendMail(std::shared_ptr<HandleBlock> to, std::size_t bytes) : ConnMail(std::move(to)), size(bytes) {}
  void arrived() noexcept final { block->arrived(size); }
  void run(Connection& connection) final {
    try {
      write(connection);
    } catch (...) {  // a codec's, for a message that it cannot express
      connection.threw(std::current_exception());
    }
    connection.relieve();  // if it was dropped
  }
  virtual void write(Connection& connection) = 0;

  const std::size_t size;
};

struct TextMail final : SendMail {
  TextMail(std::shared_ptr<HandleBlock> to, std::string_view bytes) : SendMail(std::move(to), bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), text);
  }
  void write(Connection& connection) override { connection.write({std::string_view(text, size)}); }

  static constexpr std::size_t room = pooled_size - sizeof(SendMail);
  char text[room];
};

struct BufferMail final : SendMail {
  BufferMail(std::shared_ptr<HandleBlock> to, Buffer from)
      : SendMail(std::move(to), from.size()), bytes(std::move(from)) {}
  void write(Connection& connection) override { connection.write(std::move(bytes)); }

  Buffer bytes;
};

struct ReportedMail final : SendMail {
  ReportedMail(std::shared_ptr<HandleBlock> to, Buffer from, Handler<void(std::error_code)> then)
      : SendMail(std::move(to), from.size()), bytes(std::move(from)), done(std::move(then)) {}
  void write(Connection& connection) override { connection.write(std::move(bytes), std::move(done)); }

  Buffer bytes;
  Handler<void(std::error_code)> done;
};

struct OverflowMail final : ConnMail {
  using ConnMail::ConnMail;
  void run(Connection& connection) override { connection.overflow(); }
};

// A send that went beyond the bound, or came after one that did.
struct LostMail final : ConnMail {
  LostMail(std::shared_ptr<HandleBlock> to, Handler<void(std::error_code)> then)
      : ConnMail(std::move(to)), done(std::move(then)) {}
  void run(Connection& connection) override {
    connection.overflow();
    connection.write({}, std::move(done));
  }

  Handler<void(std::error_code)> done;
};

struct PostMail final : ConnMail {
  PostMail(std::shared_ptr<HandleBlock> to, Handler<void(Conn&)> from) : ConnMail(std::move(to)), fn(std::move(from)) {}
  void run(Connection& connection) override { connection.run(fn); }

  Handler<void(Conn&)> fn;
};

struct WakeMail final : ConnMail {
  using ConnMail::ConnMail;
  void run(Connection& connection) override { connection.wake(); }
};

struct CloseMail final : ConnMail {
  using ConnMail::ConnMail;
  void run(Connection& connection) override { connection.close(); }
};

struct DatagramMail final : Mail {
  DatagramMail(std::shared_ptr<HandleBlock> to, Buffer from) : block(std::move(to)), bytes(std::move(from)) {}
  void deliver(LoopCore& loop) override {
    if (loop.starting()) {  // its socket is about to be bound
      loop.send_mail(std::make_unique<DatagramMail>(std::move(block), std::move(bytes)));
      return;
    }
    const HandleBlock::Peer& peer = *block->peer();
    loop.datagrams().send(peer.socket, {.from = peer.local, .to = peer.remote, .bytes = bytes.view()});
  }

  std::shared_ptr<HandleBlock> block;
  Buffer bytes;
};

}  // namespace

// Counts the bytes; false: they and all that follow are dropped, and the connection is told.
bool HandleBlock::reserve(std::size_t bytes) noexcept {
  if (overflowed_.load(std::memory_order_relaxed)) return false;
  const std::size_t total = on_the_way_.fetch_add(bytes) + bytes + queued_.load(std::memory_order_relaxed);
  if (total <= output_max_) return true;
  on_the_way_.fetch_sub(bytes);
  if (!overflowed_.exchange(true)) push(std::make_unique<OverflowMail>(shared_from_this()));
  return false;
}

bool HandleBlock::send(std::string_view bytes) {
  if (bytes.size() > TextMail::room || peer_) return send(Buffer(std::string(bytes)));
  if (gone()) return false;
  if (!reserve(bytes.size())) return true;
  if (push(std::make_unique<TextMail>(shared_from_this(), bytes))) return true;
  arrived(bytes.size());
  return false;
}

bool HandleBlock::send(Buffer bytes, Handler<void(std::error_code)> done) {
  if (gone()) return false;
  if (peer_) return push(std::make_unique<DatagramMail>(shared_from_this(), std::move(bytes)));
  const std::size_t size = bytes.size();
  if (!reserve(size)) return !done || push(std::make_unique<LostMail>(shared_from_this(), std::move(done)));
  std::unique_ptr<Mail> mail;
  if (done)
    mail = std::make_unique<ReportedMail>(shared_from_this(), std::move(bytes), std::move(done));
  else
    mail = std::make_unique<BufferMail>(shared_from_this(), std::move(bytes));
  if (push(std::move(mail))) return true;
  arrived(size);
  return false;
}

bool HandleBlock::push(std::unique_ptr<Mail> mail) {
  if (mailbox_->push(std::move(mail))) return true;
  mark_gone();
  return false;
}

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
  return block_->push(std::make_unique<PostMail>(block_, std::move(fn)));
}

void Handle::wake() const {
  if (block_ && !block_->peer() && !block_->gone()) block_->push(std::make_unique<WakeMail>(block_));
}

void Handle::close() const {
  if (block_ && !block_->peer() && !block_->gone()) block_->push(std::make_unique<CloseMail>(block_));
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
