// The functions of the public class Loop. Each is forwarded to LoopCore.
#include <algorithm>
#include <utility>

#include "loop.hpp"
#include "post.hpp"
#include "server.hpp"

namespace evio { inline namespace v0 {

using namespace detail;

namespace {

const LoopCore& core(const Loop& loop) { return static_cast<const LoopCore&>(loop); }
LoopCore& core(Loop& loop) { return static_cast<LoopCore&>(loop); }

// For functions that only the loop's own thread may call. In debug builds a call from another
// thread stops the program.
LoopCore& own(Loop& loop) {
  core(loop).owner().check("Loop; Loop::post runs a function on the loop's thread");
  return core(loop);
}

}  // namespace

bool Loop::post(Callback<void()> fn) {
  return core(*this).post_task(std::make_unique<Post>(std::move(fn)));
}
Timer Loop::run_after(Duration delay, Callback<void()> fn) {
  return own(*this).arm(delay, std::move(fn));
}
Timer Loop::run_every(Duration period, Callback<void()> fn) {
  period = std::max<Duration>(period, std::chrono::milliseconds(1));
  return own(*this).arm(period, std::move(fn), period);
}
Timer Loop::set_deadline(Duration delay, Callback<void()> fn) {
  return own(*this).arm_deadline(delay, std::move(fn));
}
Duration Loop::elapsed_since(std::chrono::steady_clock::time_point then) const noexcept {
  return core(*this).elapsed_since(std::chrono::duration_cast<Duration>(then.time_since_epoch()));
}
void Loop::for_each(const Callback<void(Conn&)>& fn) {
  own(*this).each([&](Connection& connection) {
    if (connection.is_open()) fn(connection);
  });
}
Watch Loop::watch(int descriptor, Interest interest, Callback<void(Interest)> fn) {
  return own(*this).watches().add({descriptor}, interest, std::move(fn));
}
Conn* Loop::connect(const Binding& to) {
  check_target(to);
  LoopCore& loop = own(*this);
  return loop.connect(to, loop.next_id());
}
Conn* Loop::adopt(Socket&& socket, const Binding& as) {
  return own(*this).adopt(std::move(socket), as);
}
int Loop::index() const noexcept { return core(*this).index(); }
std::chrono::steady_clock::time_point Loop::now() const noexcept {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(core(*this).now()));
}
Server& Loop::server() const noexcept { return core(*this).server().handle(); }
Context& Loop::user_context() noexcept { return core(*this).context(); }

}}  // namespace evio::v0
