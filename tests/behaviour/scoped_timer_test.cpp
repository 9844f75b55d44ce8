// ScopedTimer and ScopedWatch cancel what they own when they are destroyed or assigned to.
#include <fcntl.h>
#include <unistd.h>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Scoped : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Scoped);

TEST_P(Scoped, ATimerIsCancelledWithItsOwner) {
  EventLog log;
  TestServer server = serve({});
  server.on_loop(0, [&] {
    Loop& loop = server->loop(0);
    {
      const ScopedTimer destroyed = loop.run_after(1ms, [&] { log.add("destroyed"); });
    }
    ScopedTimer assigned = loop.run_after(1ms, [&] { log.add("assigned to"); });
    ScopedTimer moved = loop.run_after(1ms, [&] { log.add("kept"); });
    assigned = std::move(moved);
    EXPECT_TRUE(assigned.active());
    EXPECT_FALSE(moved.active());  // NOLINT(bugprone-use-after-move): empty, as documented
    loop.emplace_context<ScopedTimer>(std::move(assigned));
    loop.run_after(5ms, [&] { log.add("last"); });
  });
  ASSERT_TRUE(log.wait_for("last"));
  EXPECT_EQ(log.events(), (std::vector<std::string>{"kept", "last"}));
}

TEST_P(Scoped, AWatchIsCancelledWithItsOwner) {
  EventLog log;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  TestServer server = serve({});
  server.on_loop(0, [&] {
    Loop& loop = server->loop(0);
    {
      const ScopedWatch destroyed =
          loop.watch(ends[0], Interest::read, [&] { log.add("destroyed"); });
    }
    loop.run_after(5ms, [&] { log.add("last"); });
  });
  ASSERT_TRUE(log.wait_for("last"));
  EXPECT_EQ(log.events(), std::vector<std::string>{"last"});
  server.stop();
  ::close(ends[0]);
  ::close(ends[1]);
}

}}  // namespace evio::test
