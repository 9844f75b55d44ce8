// Which backend a server runs on: the one asked for or an error; EVIO_BACKEND decides only for `automatic`.
#include <cstdlib>
#include <thread>

#include "support/behaviour.hpp"

namespace evio::test {
namespace {

void run_briefly(Backend backend) {
  evio::serve({.backend = backend, .serving = [] { return Action::shutdown; }}, "tcp://127.0.0.1:0");
}

TEST(BackendChoice, LinuxHasEpollAndPoll) {
  EXPECT_NO_THROW(run_briefly(Backend::epoll));
  EXPECT_NO_THROW(run_briefly(Backend::poll));
  EXPECT_GE(backends().size(), 2U);
}

TEST(BackendChoice, TheEnvironmentDecidesForAutomaticOnly) {
  in_child_process([] {
    for (const Backend backend : backends()) {
      ::setenv("EVIO_BACKEND", name_of(backend).c_str(), 1);
      EXPECT_NO_THROW(run_briefly(Backend::automatic)) << name_of(backend);
    }
    for (const char* wrong : {"kqueue", "nonsense", "EPOLL", "epoll "}) {
      ::setenv("EVIO_BACKEND", wrong, 1);
      EXPECT_THROW(run_briefly(Backend::automatic), Error) << wrong;
      EXPECT_NO_THROW(run_briefly(Backend::epoll)) << wrong;
    }
  });
}

TEST(BackendChoice, TheNetSuffixAsksForThePortableOne) {
  TestServer server(echo(), "tcp-net://127.0.0.1:0");
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "x"), "x");
}

class LoopCount : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(LoopCount, 0, 1, 3, -1);

TEST_P(LoopCount, NoneIsOneAndMinusOneIsOnePerHardwareThread) {
  TestServer server = serve(echo());
  const int hardware = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  EXPECT_EQ(server->loops(), loops() == -1 ? hardware : std::max(1, loops()));
  for (int i = 0; i < server->loops(); ++i) EXPECT_EQ(server->loop(i).index(), i);
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "x"), "x");
}

}  // namespace
}  // namespace evio::test
