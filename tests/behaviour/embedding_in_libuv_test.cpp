// A server inside a libuv loop: woken by its descriptor, and by a timer for its deadlines.
#include <uv.h>

#include "support/background.hpp"
#include "support/behaviour.hpp"

namespace evio::test { namespace {

// The code that a user needs to run a server in a libuv loop: a poll handle, and a timer for what
// the descriptor does not signal. The backend poll has no descriptor, so the timer does all.
class InLibuv {
 public:
  InLibuv(uv_loop_t& loop, Server& server) : server_(server) {
    uv_timer_init(&loop, &timer_);
    timer_.data = this;
    const int descriptor = server.native_handle();
    watching_ = descriptor >= 0;
    if (watching_) {
      uv_poll_init(&loop, &watch_, descriptor);
      watch_.data = this;
      uv_poll_start(&watch_, UV_READABLE,
                    [](uv_poll_t* handle, int, int) { self(handle->data).poll(); });
    }
    poll();
  }

 private:
  static InLibuv& self(void* data) { return *static_cast<InLibuv*>(data); }

  void poll() {
    if (server_.poll(Duration::zero())) {
      const Duration most =
          watching_ ? server_.next_timer() : std::min<Duration>(server_.next_timer(), 5ms);
      const auto wait = std::chrono::ceil<std::chrono::milliseconds>(most).count();
      uv_timer_start(
          &timer_, [](uv_timer_t* handle) { self(handle->data).poll(); },
          static_cast<std::uint64_t>(wait), 0);
    } else {
      uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
      if (watching_) uv_close(reinterpret_cast<uv_handle_t*>(&watch_), nullptr);
    }
  }

  Server& server_;
  uv_timer_t timer_{};
  uv_poll_t watch_{};
  bool watching_ = false;
};

class EmbeddingInLibuv : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(EmbeddingInLibuv, 1);

TEST_P(EmbeddingInLibuv, BothLoopsServe) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  int timers = 0;
  Server server(
      as_set_up({.serving = [&](Server& s) { s.loop(0).run_every(2ms, [&] { ++timers; }); },
                 .data =
                     [](Conn& c, Input& in) {
                       if (in.view() == "enough") return Action::shutdown;
                       c.write(in.take());
                       return Action::none;
                     }}),
      "tcp://127.0.0.1:0");
  InLibuv embedded(loop, server);

  int ticks = 0;  // of libuv's own timer
  uv_timer_t foreign;
  uv_timer_init(&loop, &foreign);
  foreign.data = &ticks;
  const auto count = [](uv_timer_t* timer) { ++*static_cast<int*>(timer->data); };
  uv_timer_start(&foreign, count, 1, 1);
  uv_unref(reinterpret_cast<uv_handle_t*>(&foreign));

  const Background peer([&] {
    Client client = Client::to(server.addresses()[0]);
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(echo_through(client, "through libuv"), "through libuv");
      std::this_thread::sleep_for(1ms);
    }
    client.send("enough");
    EXPECT_EQ(client.receive_rest().bytes, "");
  });
  uv_run(&loop, UV_RUN_DEFAULT);  // returns when the server has ended
  EXPECT_GT(ticks, 0);
  EXPECT_GT(timers, 0);
  uv_close(reinterpret_cast<uv_handle_t*>(&foreign), nullptr);
  uv_run(&loop, UV_RUN_DEFAULT);
  EXPECT_EQ(uv_loop_close(&loop), 0);
}

}  // namespace
}  // namespace evio::test
