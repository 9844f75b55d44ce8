// Which backend a server uses: the requested one or an error; EVIO_BACKEND applies to `automatic`
// only.
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <thread>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

void run_briefly(Backend backend) {
  evio::serve({.backend = backend, .serving = [] { return Action::shutdown; }},
              "tcp://127.0.0.1:0");
}

TEST(BackendChoice, LinuxHasEpollAndPoll) {
  EXPECT_NO_THROW(run_briefly(Backend::epoll));
  EXPECT_NO_THROW(run_briefly(Backend::poll));
  EXPECT_GE(backends().size(), 2U);
}

TEST(BackendChoice, TheEnvironmentVariableAppliesToAutomaticOnly) {
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

TEST(BackendChoice, TheNetSuffixSelectsThePortableBackend) {
  TestServer server(echo(), "tcp-net://127.0.0.1:0");
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "x"), "x");
}

constexpr unsigned nobody = 65534;

bool io_uring_works() { return std::ranges::count(backends(), Backend::io_uring) > 0; }

// Forbids the io_uring system calls, as a container's seccomp filter does.
void forbid_io_uring() {
  sock_filter filter[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, __NR_io_uring_setup},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog program{.len = std::size(filter), .filter = filter};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

TEST(BackendChoice, WithoutIoUringAutomaticFallsBackAndTheExplicitChoiceFails) {
  in_child_process([] {
    forbid_io_uring();
    EXPECT_NO_THROW(run_briefly(Backend::automatic));
    try {
      run_briefly(Backend::io_uring);
      ADD_FAILURE() << "it is forbidden";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("io_uring"));
      EXPECT_THAT(error.what(), testing::HasSubstr("epoll")) << "what to do";
    }
  });
}

// Stays within Debian's default limit of locked memory; a server with one loop uses much less.
TEST(BackendChoice, IoUringWorksForAnUnprivilegedUserAndLocksLittleMemory) {
  if (!io_uring_works()) GTEST_SKIP() << "there is no io_uring here";
  for (const int loops : {1, 8}) {
    in_child_process([&] {
      const rlim_t size = loops == 1 ? 256 * kib : 8 * mib;
      const rlimit limit{.rlim_cur = size, .rlim_max = size};
      ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &limit), 0);
      if (::getuid() == 0) {
        ASSERT_EQ(::setgid(nobody), 0);
        ASSERT_EQ(::setuid(nobody), 0);
      }
      TestServer server({.loops = loops,
                         .backend = Backend::io_uring,
                         .data = [](Conn& c, Input& in) { c.write(in.take()); }},
                        "tcp://127.0.0.1:0");
      Client client = server.connect();
      EXPECT_EQ(echo_through(client, "x"), "x");
    });
  }
}

class LoopCount : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(LoopCount, 0, 1, 3, -1);

TEST_P(LoopCount, ZeroMeansOneAndMinusOneMeansOnePerHardwareThread) {
  TestServer server = serve(echo());
  const int hardware = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  EXPECT_EQ(server->loops(), loops() == -1 ? hardware : std::max(1, loops()));
  for (int i = 0; i < server->loops(); ++i) EXPECT_EQ(server->loop(i).index(), i);
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "x"), "x");
}

}  // namespace
}  // namespace evio::test
