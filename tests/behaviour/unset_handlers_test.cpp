// An empty callable, such as a std::function without a target, counts as unset.
#include <functional>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class UnsetHandlers : public Behaviour {};
EVIO_ON_EVERY_BACKEND(UnsetHandlers);

TEST_P(UnsetHandlers, EmptyHandlersOfEventsAreNotCalled) {
  const std::function<Action(Conn&)> no_function;
  Action (*const no_pointer)(Conn&, Input&) = nullptr;
  const std::function<std::size_t(std::span<const LoopLoad>, const Address&)> no_balance;
  TestServer server = serve({.balance = no_balance,
                             .serving = std::function<void()>(),
                             .loop_started = std::function<void()>(),
                             .opened = no_function,
                             .data = no_pointer,
                             .drained = no_function,
                             .ended = no_pointer,
                             .draining = no_function,
                             .closed = nullptr,
                             .detached = std::function<void()>(),
                             .failed = std::function<void()>(),
                             .pre_write = std::function<void()>(),
                             .tick = std::function<Tick()>(),
                             .loop_stopped = std::function<void()>(),
                             .trace = std::function<void()>()});
  Client client = server.connect();
  client.send("x");
  client.shutdown_write();
  EXPECT_EQ(client.receive_rest().bytes, "");
  server->drain(1ms);
  EXPECT_EQ(message_of(server.wait()), "");
}

TEST_P(UnsetHandlers, EmptyCallbacksOfPostsTimersAndSendsDoNothing) {
  const std::function<void()> none;
  TestServer server = serve({.opened = [&](Conn& c) {
    c.run_after(0s, none);
    c.set_deadline(0s, none);
    c.loop().run_after(0s, none);
    c.loop().set_deadline(0s, none);
    c.loop().run_every(1ms, none);
    c.loop().post(none);
    c.loop().for_each(none);
    c.server().for_each(none);
    c.server().run_after(0s, none);
    c.server().run_every(1ms, none);
    c.handle().post(none);
    c.handle().send(SharedBytes("sent"), none);
  }});
  Client client = server.connect();
  EXPECT_EQ(client.receive(4), "sent");
  EXPECT_TRUE(eventually([&] { return server->stats().timers_run > 10; }));
  EXPECT_EQ(message_of(server.stop()), "");
}

// Without a handler the watch would be ready for ever, to no effect.
TEST_P(UnsetHandlers, AWatchRequiresAHandler) {
  TestServer server = serve({});
  server.on_loop(0, [&] {
    EXPECT_THROW(server->loop(0).watch(0, Interest::read, std::function<void()>()), Error);
  });
}

}  // namespace
}  // namespace evio::test
