#include "middle_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "backend/posix/clock.hpp"
#include "server.hpp"
#include "support/waiting.hpp"

namespace evio::test {

using namespace detail;

namespace {

constexpr std::size_t at_once = 6;  // connections

}  // namespace

// ---- Role

Role::Role(World& in)
    : world(in),
      from_peer(pattern(in.chance.upto(120'000), static_cast<unsigned>(in.chance.upto(1000)))) {}

void Role::check_alive(Conn& c, bool readable) {
  EXPECT_TRUE(state_ == State::open || (!readable && state_ == State::ended))
      << "a handler out of order";
  EXPECT_EQ(c.id(), id_);
}

Action Role::on_opened(Conn& c) {
  EXPECT_EQ(state_, State::none);
  state_ = State::open;
  id_ = c.id();
  handle = c.handle();
  return opened(c);
}

Action Role::on_data(Conn& c, Input& in) {
  check_alive(c, false);
  return data(c, in);
}

Action Role::on_drained(Conn& c) {
  check_alive(c, false);
  EXPECT_TRUE(std::exchange(congested_, false) || !writes_in_handlers)
      << "drained, but it was not congested";
  return drained(c);
}

Action Role::on_ended(Conn& c, Input& in) {
  check_alive(c, true);
  state_ = State::ended;
  return ended(c, in);
}

void Role::on_closed(Conn& c, std::error_code error) {
  check_alive(c, false);
  state_ = State::gone;
  error_ = error;
  EXPECT_FALSE(c.is_open());
  EXPECT_FALSE(c.write("dropped"));
}

void Role::on_detached(Conn& c, Socket socket) {
  check_alive(c, false);
  state_ = State::gone;
  detached(c, std::move(socket));
}

bool Role::write(Conn& c, std::string_view bytes) {
  if (!c.is_open()) return false;
  from_server += bytes;
  bool go_on = false;
  switch (world.chance.upto(3)) {
    case 1:
      go_on = static_cast<bool>(c.write(bytes));
      break;
    case 2:
      go_on = static_cast<bool>(c.write(SharedBytes(std::string(bytes))));
      break;
    default:
      go_on = static_cast<bool>(
          c.write({bytes.substr(0, bytes.size() / 3), bytes.substr(bytes.size() / 3)}));
  }
  EXPECT_TRUE(c.is_open());
  congested_ |= !go_on;
  return go_on;
}

void Role::step() {
  outside();
  if (peer_reset_) return;
  const std::string_view left = std::string_view(from_peer).substr(peer_sent_);
  if (!left.empty()) peer_sent_ += peer.send(left.substr(0, world.chance.upto(left.size())));
  if (left.empty() && !peer_ended_ && world.chance(0.3)) {
    peer_ended_ = true;
    peer.shutdown_write();
  }
  if (world.chance(0.5)) peer.read(world.chance.upto(50'000));
  if (world.setup().peer_resets > 0 && world.chance(world.setup().peer_resets)) {
    peer_reset_ = true;
    peer.reset();
  }
}

bool Role::finished() const {
  const bool peer_done = peer_reset_ || peer.ended() || peer.reset_seen();
  const bool never_seen = peer_reset_ && state_ == State::none;
  return peer_done && (never_seen || (state_ == State::gone && server_is_done()));
}

void Role::check() {
  EXPECT_TRUE(is_prefix(peer.received(), from_server));
  EXPECT_TRUE(is_prefix(taken, from_peer));
  if (!world.flawless()) return;
  EXPECT_EQ(state_, State::gone);
  EXPECT_FALSE(error_) << error_.message();
  if (breaks()) return;
  EXPECT_TRUE(same_bytes(peer.received(), from_server));
  check_whole();
}

// ---- World

std::uint64_t first_seed() {
  const char* seed = std::getenv("EVIO_SEED");
  return seed ? std::stoull(seed) : 1;
}

World::World(std::uint64_t seed, Setup setup) : chance(seed), setup_(setup) {
  server_ = std::unique_ptr<Server>(new Server(
      ServerAccess::make(make_stepped_platform(seed, setup_.faults, [this] { between_turns(); }),
                         events(), {"tcp://127.0.0.1:0"})));
}

Events World::events() {
  Options options = setup_.options;
  if (setup_.buffer) options.send_buffer = options.receive_buffer = setup_.buffer;
  return {
      .loops = setup_.loops,
      .limits = setup_.limits,
      .options = options,
      .opened = [this](Conn& c) { return role(c).on_opened(c); },
      .data = [this](Conn& c, Input& in) { return role(c).on_data(c, in); },
      .drained = [this](Conn& c) { return role(c).on_drained(c); },
      .ended = [this](Conn& c, Input& in) { return role(c).on_ended(c, in); },
      .closed = [this](Conn& c, std::error_code error) { role(c).on_closed(c, error); },
      .detached = [this](Conn& c, Socket socket) { role(c).on_detached(c, std::move(socket)); },
  };
}

// Finds the role by the peer's port the first time, and by the context afterwards.
Role& World::role(Conn& c) {
  if (Role** known = c.context<Role*>()) return **known;
  const auto found = std::find_if(roles_.rbegin(), roles_.rend(), [&](const auto& role) {
    return role->peer_port_ == c.remote().port();
  });
  if (found == roles_.rend()) throw std::runtime_error("nobody knows this connection");
  return *c.emplace_context<Role*>(found->get());
}

void World::begin_one() {
  roles_.push_back(make_(*this));
  roles_.back()->peer = connect_to(server_->addresses()[0]);
  roles_.back()->peer_port_ = roles_.back()->peer.local().port();
  active_.push_back(roles_.back().get());
  --left_;
}

void World::between_turns() {
  if (stopped_) return;
  if (left_ > 0 && active_.size() < at_once && chance(0.2)) begin_one();
  for (int i = 0; i < 3 && !active_.empty(); ++i) active_[chance.upto(active_.size()) - 1]->step();
  std::erase_if(active_, [](const Role* role) { return role->finished(); });
  const bool hangs = monotonic_now() > give_up_at_;
  EXPECT_FALSE(hangs) << active_.size() << " connections do not end";
  if (hangs || (left_ == 0 && active_.empty())) {
    stopped_ = true;
    server_->shutdown();
  }
}

void World::run(int count, const std::function<std::unique_ptr<Role>(World&)>& make) {
  make_ = make;
  left_ = count;
  give_up_at_ = monotonic_now() + hang_guard;
  server_->run();
  for (const auto& role : roles_) role->check();
  const Stats stats = server_->stats();
  EXPECT_EQ(stats.open, 0U);
  EXPECT_EQ(stats.memory, 0U);
}

}  // namespace evio::test
