// The public Loop: each call goes to the loop that it stands for.
#include <algorithm>
#include <utility>

#include "loop.hpp"
#include "post.hpp"
#include "server.hpp"

namespace evio::inline v1 {

namespace {

const LoopCore& core(const Loop& loop) { return static_cast<const LoopCore&>(loop); }
LoopCore& core(Loop& loop) { return static_cast<LoopCore&>(loop); }

}  // namespace

bool Loop::post(Handler<void()> fn) { return core(*this).send_mail(std::make_unique<Post>(std::move(fn))); }
Timer Loop::run_after(Duration delay, Handler<void()> fn) { return core(*this).arm(delay, std::move(fn)); }
Timer Loop::run_every(Duration period, Handler<void()> fn) {
  period = std::max<Duration>(period, std::chrono::milliseconds(1));
  return core(*this).arm(period, std::move(fn), period);
}
Timer Loop::set_deadline(Duration delay, Handler<void()> fn) { return core(*this).arm_deadline(delay, std::move(fn)); }
Duration Loop::elapsed_since(std::chrono::steady_clock::time_point then) const noexcept {
  return core(*this).elapsed_since(std::chrono::duration_cast<Duration>(then.time_since_epoch()));
}
void Loop::for_each(const Handler<void(Conn&)>& fn) {
  core(*this).each([&](Connection& connection) {
    if (connection.is_open()) fn(connection);
  });
}
Watch Loop::watch(int descriptor, Interest interest, Handler<void(Interest)> fn) {
  return core(*this).watches().add({descriptor}, interest, std::move(fn));
}
Conn* Loop::connect(const Binding& to) {
  check_target(to);
  LoopCore& loop = core(*this);
  return loop.connect(to, loop.next_id());
}
Conn* Loop::adopt(Socket&& socket, const Binding& as) { return core(*this).adopt(std::move(socket), as); }
int Loop::index() const noexcept { return core(*this).index(); }
std::chrono::steady_clock::time_point Loop::now() const noexcept {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(core(*this).now()));
}
Server& Loop::server() const noexcept { return core(*this).server().handle(); }
Context& Loop::user_context() noexcept { return core(*this).context(); }

}  // namespace evio::inline v1
