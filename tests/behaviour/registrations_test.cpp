// A connection is registered once with the kernel, and its traffic needs no further registration.
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <vector>

#include "support/behaviour.hpp"

static std::atomic<int> registrations{0};

#if !EVIO_TEST_SANITIZED  // sanitizers replace these functions themselves
extern "C" int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  ++registrations;
  return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}
#endif

namespace evio::test { namespace {

class Registrations : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Registrations);

TEST_P(Registrations, AConnectionIsRegisteredOnce) {
  if (backend() != Backend::epoll || sanitized)
    GTEST_SKIP() << "only epoll registers descriptors one by one";
  Events events = echo();
  events.opened = [](Conn& c) { c.write("welcome"); };
  TestServer server = serve(std::move(events));
  Client first = server.connect();
  EXPECT_EQ(first.receive(7), "welcome");
  EXPECT_EQ(echo_through(first, "registered"), "registered");
  const int before = registrations;
  constexpr int count = 50;
  for (int i = 0; i < count; ++i) {
    Client client = server.connect();
    EXPECT_EQ(client.receive(7), "welcome");
    for (int round = 0; round < 10; ++round) EXPECT_EQ(echo_through(client, "message"), "message");
    client.shutdown_write();
    EXPECT_EQ(client.receive_rest().error, 0);
  }
  EXPECT_EQ(registrations - before, count);
}

}  // namespace
}  // namespace evio::test
