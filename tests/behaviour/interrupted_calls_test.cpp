// Signals that interrupt system calls close no connection, lose no byte and stop no loop.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class InterruptedCalls : public Behaviour {};
EVIO_ON_EVERY_BACKEND(InterruptedCalls);

TEST_P(InterruptedCalls, LoseNothing) {
  in_child_process([&] {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // without SA_RESTART: every waiting call returns EINTR
    ASSERT_EQ(::sigaction(SIGUSR1, &action, nullptr), 0);
    TestServer server = serve(echo());
    std::atomic<bool> stop{false};
    std::atomic<int> storm{0};
    Background interrupts([&, threads = server.threads()] {
      while (!stop) {
        for (const pid_t thread : threads) ::syscall(SYS_tgkill, ::getpid(), thread, SIGUSR1);
        ++storm;
        std::this_thread::sleep_for(50us);
      }
    });
    // On a busy machine, the thread that interrupts may be slower than the clients.
    for (unsigned i = 0; i < 20 || storm <= 20; ++i) {
      Client client = server.connect({.receive = 16384});
      const std::string bytes = pattern(200 * kib, i);
      Background sends([&] { client.send(bytes); });
      EXPECT_TRUE(same_bytes(client.receive(bytes.size()), bytes));
    }
    stop = true;
    EXPECT_FALSE(server.ended());
  });
}

}  // namespace
}  // namespace evio::test
