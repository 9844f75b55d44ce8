#include "service.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "support/bytes.hpp"

namespace evio::test::soak {

using namespace detail;

namespace {

constexpr std::size_t enough_pending = 512 * kib;

}  // namespace

Service::Service() {
  for (std::size_t i = 0; i < pushers; ++i) {
    threads_.emplace_back([this, i] {
      Random random(i);
      while (!stopping_) push_some(random);
    });
  }
}

Service::~Service() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
}

Events Service::events() {
  return {.opened =
              [this](Conn& conn) {
                ++opened_;
                conn.emplace_context<Session>();
              },
          .data = [this](Conn& conn, Input& in) { return data(conn, in); },
          .ended = [this](Conn& conn, Input&) { return ended(conn); },
          .closed = [this] { ++closed_; }};
}

bool Service::idle() {
  const std::lock_guard lock(mutex_);
  return pushes_.empty() && in_hand_ == 0;
}

Action Service::data(Conn& conn, Input& in) {
  Session& session = *conn.context<Session>();
  if (!session.begun) {
    if (in.size() < Header::size) return Action::none;
    session = {.begun = true, .header = Header::decoded(in.take(Header::size))};
    if (session.header.mode == Mode::pushed) {
      const std::lock_guard lock(mutex_);
      pushes_.push_back({conn.handle(), session.header.part()});
    }
  }
  if (session.header.mode == Mode::pushed) return Action::none;  // possibly a wake
  // At times consumes only a part, or later: the rest is passed again.
  const std::size_t whim = (in.size() + conn.id()) % 16;
  if (whim == 0 && in.size() > 1) {
    conn.write(in.take(in.size() / 2));
    conn.pause();
    conn.run_after(std::chrono::milliseconds(1), [](Conn& c) { c.resume(); });
  } else if (whim == 1) {
    conn.write(SharedBytes(std::string(in.take())));
  } else {
    conn.write(in.take());
  }
  return Action::none;
}

Action Service::ended(Conn& conn) {
  const Session& session = *conn.context<Session>();
  if (session.header.mode == Mode::pushed) return Action::none;  // the pushing threads close it
  if (session.header.mode == Mode::ended) conn.write(trailer);
  return Action::close;
}

void Service::push_some(Random& random) {
  Push push;
  {
    const std::lock_guard lock(mutex_);
    if (!pushes_.empty()) {
      std::swap(pushes_[between(random, 0, pushes_.size() - 1)], pushes_.back());
      push = std::move(pushes_.back());
      pushes_.pop_back();
      ++in_hand_;
    }
  }
  if (!push.to) return std::this_thread::sleep_for(std::chrono::milliseconds(1));
  bool alive = true;
  if (push.to.pending_output() < enough_pending) {
    const std::string_view piece = push.left.substr(0, between(random, 1, 32 * kib));
    alive = between(random, 0, 1) == 0 ? push.to.send(piece)
                                       : push.to.send(SharedBytes(std::string(piece)));
    push.left.remove_prefix(piece.size());
    if (between(random, 0, 7) == 0) push.to.wake();
  }
  if (push.left.empty()) push.to.close();
  const std::lock_guard lock(mutex_);
  --in_hand_;
  if (alive && !push.left.empty()) pushes_.push_back(std::move(push));
}

}  // namespace evio::test::soak
