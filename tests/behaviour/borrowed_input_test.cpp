// Input that is written back is sent from the memory where it was received.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "support/behaviour.hpp"

// The address of the bytes that were sent last.
static std::atomic<const void*> sent_from{nullptr};

#if !EVIO_TEST_SANITIZED  // sanitizers replace these functions themselves
extern "C" ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  sent_from = bytes;
  return ::syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0);
}
extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  if (message->msg_iovlen > 0) sent_from = message->msg_iov[0].iov_base;
  return ::syscall(SYS_sendmsg, fd, message, flags);
}
#endif

namespace evio::test { namespace {

class BorrowedInput : public Behaviour {};
EVIO_ON_EVERY_BACKEND(BorrowedInput);

TEST_P(BorrowedInput, IsSentWithoutACopy) {
  if (backend() == Backend::io_uring || sanitized) GTEST_SKIP() << "small sends are the ring's";
  std::atomic<const void*> received_at{nullptr};
  TestServer server = serve({.data = [&](Conn& c, Input& in) {
    received_at = in.view().data();
    c.write(in.take());
  }});
  Client client = server.connect();
  for (const std::size_t size : {1, 100, 10'000}) {
    EXPECT_EQ(echo_through(client, pattern(size)), pattern(size));
    EXPECT_EQ(sent_from, received_at) << size;
  }
}

}  // namespace
}  // namespace evio::test
