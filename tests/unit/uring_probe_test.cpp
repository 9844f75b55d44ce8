// The first probe for io_uring. It is not among the behaviour tests because their program has
// probed already.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <evio/evio.hpp>
#include <optional>

namespace evio::test {

using namespace detail;
namespace {

TEST(UringProbe, InterruptsNoCallOfTheCreatingThread) {
  std::optional<Server> server;
  try {
    server.emplace(Events{.backend = Backend::io_uring});
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const Socket ours(ends[0]), theirs(ends[1]);
  const timeval timeout{.tv_sec = 0,
                        .tv_usec = 200'000};  // the kernel does not resume a call with a timeout
  ASSERT_EQ(::setsockopt(ours.fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
  char byte = 0;
  EXPECT_EQ(::recv(ours.fd(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

}  // namespace
}  // namespace evio::test
