#include "middle_roles.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace evio::test {

using namespace detail;

// ---- Echo

Action Echo::data(Conn& c, Input& in) {
  const std::string_view bytes = in.take(world.chance.upto(in.size() + 1) - 1);
  taken += bytes;
  if (!bytes.empty()) write(c, bytes);
  switch (world.chance.upto(8)) {
    case 1:
      c.pause();
      c.run_after(Duration(world.chance.upto(1000) * 1000), [](Conn& later) { later.resume(); });
      break;
    case 2:
      c.pause();
      resume_outside_ = true;
      break;
    case 3:
      c.pause();
      c.resume();
      break;
    default:
      if (!in.empty()) handle.wake();
  }
  return Action::none;
}

Action Echo::ended(Conn& c, Input& in) {
  const std::string_view rest = in.take();
  taken += rest;
  if (!rest.empty()) write(c, rest);
  if (world.chance(0.5)) return Action::close;
  c.run_after(Duration::zero(), [](Conn& later) { later.close(); });
  return Action::none;
}

void Echo::outside() {
  if (world.chance(0.1)) handle.wake();
  if (!resume_outside_ || !world.chance(0.3)) return;
  resume_outside_ = false;
  handle.post([](Conn& c) { c.resume(); });
}

void Echo::check_whole() {
  EXPECT_FALSE(peer.reset_seen());
  EXPECT_TRUE(same_bytes(taken, from_peer));
  EXPECT_TRUE(same_bytes(from_server, from_peer));
}

// ---- Producer

Producer::Producer(World& in)
    : Role(in), all_(pattern(in.chance.upto(400'000), 7)), in_opened_(in.chance(0.5)) {}

Action Producer::produce(Conn& c) {
  while (from_server.size() < all_.size()) {
    const std::size_t size = world.chance.upto(30'000);
    if (!write(c, std::string_view(all_).substr(from_server.size(), size))) return Action::none;
    if (from_server.size() < all_.size() && world.chance(0.1)) {  // the rest from a timer
      c.run_after(Duration::zero(), [this](Conn& later) {
        if (produce(later) == Action::close) later.close();
      });
      return Action::none;
    }
  }
  if (in_opened_) return Action::close;
  c.shutdown_write();
  return Action::none;
}

Action Producer::data(Conn&, Input& in) {
  taken += in.take();
  return Action::none;
}

void Producer::check_whole() {
  EXPECT_TRUE(same_bytes(from_server, all_));
  EXPECT_TRUE(in_opened_ || same_bytes(taken, from_peer));
}

// ---- Detacher

Detacher::Detacher(World& in) : Role(in), detach_after_(in.chance.upto(from_peer.size() + 1) - 1) {}

Action Detacher::data(Conn& c, Input& in) {
  taken += in.take(world.chance.upto(in.size() + 1) - 1);
  if (world.chance(0.3)) write(c, pattern(world.chance.upto(60'000)));
  return taken.size() >= detach_after_ || world.chance(0.1) ? Action::detach : Action::none;
}

Action Detacher::ended(Conn& c, Input& in) {
  taken += in.take(in.size() / 2);
  write(c, "at the end");
  return Action::detach;
}

void Detacher::detached(Conn& c, Socket socket) {
  EXPECT_EQ(c.local().port(), c.server().addresses()[0].port());
  taken += socket.buffered();
  rest_ = Peer(socket.release());
}

void Detacher::outside() {
  if (rest_.fd() < 0) return;
  rest_.read(world.chance.upto(50'000));
  if (!rest_.ended() && !rest_.reset_seen()) return;
  taken += rest_.received();
  if (rest_.ended() && rest_.send("tail") == 4) from_server += "tail";
  rest_ = Peer();
}

void Detacher::check_whole() { EXPECT_TRUE(same_bytes(taken, from_peer)); }

// ---- Sender

Sender::Sender(World& in) : Role(in), all_(pattern(in.chance.upto(300'000), 9)) {
  writes_in_handlers = false;
}

Action Sender::data(Conn&, Input& in) {
  taken += in.take();
  return Action::none;
}

void Sender::outside() {
  if (!handle || closed_) return;
  const std::string bytes = all_.substr(from_server.size(), world.chance.upto(20'000));
  if (bytes.empty()) {
    handle.close();
    closed_ = true;
    return;
  }
  switch (world.chance.upto(3)) {
    case 1:
      closed_ = !handle.send(bytes);
      break;
    case 2:
      closed_ = !handle.send(SharedBytes(bytes));
      break;
    default:
      closed_ = !handle.post([bytes](Conn& c) { c.write(bytes); });
  }
  if (!closed_) from_server += bytes;
}

void Sender::check_whole() { EXPECT_TRUE(same_bytes(from_server, all_)); }

// ---- Aborter

Action Aborter::maybe(Conn& c) {
  if (!c.is_open() || !world.chance(0.2)) return Action::none;
  c.abort();
  EXPECT_FALSE(c.is_open());
  EXPECT_FALSE(c.write("dropped"));
  return world.chance(0.5) ? Action::close : Action::none;
}

Action Aborter::data(Conn& c, Input& in) {
  taken += in.take();
  write(c, pattern(world.chance.upto(100'000)));
  return maybe(c);
}

Action Aborter::ended(Conn& c, Input&) {
  c.abort();
  return Action::none;
}

void Aborter::outside() {
  if (world.chance(0.02)) handle.post([](Conn& c) { c.abort(); });
}

std::unique_ptr<Role> any_role(World& world) {
  switch (world.chance.upto(5)) {
    case 1:
      return std::make_unique<Producer>(world);
    case 2:
      return std::make_unique<Detacher>(world);
    case 3:
      return std::make_unique<Sender>(world);
    case 4:
      return std::make_unique<Aborter>(world);
    default:
      return std::make_unique<Echo>(world);
  }
}

}  // namespace evio::test
