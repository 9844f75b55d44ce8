#include "backend/posix/process.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "backend/posix/waker.hpp"

namespace evio::test {

using namespace detail;
namespace {

// Whether the condition holds in a child process.
bool in_child(const std::function<bool()>& is_so) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(is_so() ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Process, AForkIsCountedAndMakesCopies) {
  const Maker maker;
  const std::uint32_t before = forks();
  EXPECT_TRUE(in_child(
      [&] { return !maker.is_this_process() && Maker().is_this_process() && forks() == 0; }));
  EXPECT_TRUE(maker.is_this_process());
  EXPECT_EQ(forks(), before + 1);
}

TEST(Process, AChildsCopyOfAWakerDoesNotWakeTheParent) {
  EventFd waker;
  pollfd readable{waker.fd(), POLLIN, 0};
  EXPECT_TRUE(in_child([&] {
    waker.wake();
    return true;
  }));
  EXPECT_EQ(::poll(&readable, 1, 0), 0);
  waker.wake();
  EXPECT_EQ(::poll(&readable, 1, 0), 1);
}

}  // namespace
}  // namespace evio::test
