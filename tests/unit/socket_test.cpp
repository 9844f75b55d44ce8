#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <evio/error.hpp>
#include <evio/socket.hpp>
#include <string>
#include <thread>
#include <utility>

namespace evio { namespace {

struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ours = Socket(fds[0]);
    peer = Socket(fds[1]);
  }
  Socket ours, peer;
};

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

void make_non_blocking(int fd) {
  ASSERT_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

// The peer reads only when the socket buffers are full.
void wait_until_full(int fd) {
  pollfd writable{fd, POLLOUT, 0};
  while (poll(&writable, 1, 0) != 0) std::this_thread::yield();
}

std::string read_some(Socket& socket, std::size_t size) {
  std::string bytes(size, '\0');
  bytes.resize(socket.read(bytes.data(), size));
  return bytes;
}

std::string read_all(Socket& socket) {
  std::string all;
  for (std::string some; !(some = read_some(socket, 4096)).empty();) all += some;
  return all;
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

std::error_code error_of(auto&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_STRNE(error.what(), "");
    return error.code();
  }
  return {};
}

TEST(Socket, IsEmptyByDefault) {
  Socket socket;
  char byte;
  EXPECT_EQ(socket.fd(), -1);
  EXPECT_EQ(socket.release(), -1);
  EXPECT_EQ(socket.buffered(), "");
  EXPECT_EQ(error_of([&] { socket.read(&byte, 1); }), std::errc::bad_file_descriptor);
  EXPECT_EQ(error_of([&] { socket.write("x"); }), std::errc::bad_file_descriptor);
}

TEST(Socket, ReadsWhatThePeerWrote) {
  Pair pair;
  EXPECT_EQ(pair.peer.write("hello"), 5u);
  EXPECT_EQ(read_some(pair.ours, 100), "hello");
}

TEST(Socket, TakesSpansOfBytes) {
  Pair pair;
  const std::byte bytes[] = {std::byte{1}, std::byte{0}, std::byte{255}};
  EXPECT_EQ(pair.peer.write(std::span(bytes)), 3u);
  std::byte got[8]{};
  EXPECT_EQ(pair.ours.read(std::span(got)), 3u);
  EXPECT_EQ(std::memcmp(got, bytes, 3), 0);
}

TEST(Socket, ReadsBufferedBytesFirst) {
  Pair pair;
  Socket socket(pair.ours.release(), "early ");
  pair.peer.write("late");
  EXPECT_EQ(socket.buffered(), "early ");
  EXPECT_EQ(read_some(socket, 2), "ea");
  EXPECT_EQ(socket.buffered(), "rly ");
  EXPECT_EQ(read_some(socket, 100), "rly ");
  EXPECT_EQ(socket.buffered(), "");
  EXPECT_EQ(read_some(socket, 100), "late");
}

TEST(Socket, ReadsALargeBufferByTheByte) {
  Pair pair;
  const std::string bytes = pattern(4 << 20);
  Socket socket(pair.ours.release(), bytes);
  std::string got(bytes.size(), '\0');
  for (char& byte : got) socket.read(&byte, 1);
  EXPECT_TRUE(got == bytes);
}

TEST(Socket, ReadsNothingAtTheEnd) {
  Pair pair;
  Socket socket(pair.ours.release(), "rest");
  pair.peer = Socket();
  EXPECT_EQ(read_some(socket, 100), "rest");
  EXPECT_EQ(read_some(socket, 100), "");
  EXPECT_EQ(read_some(socket, 100), "");
}

TEST(Socket, WritesEverythingToASlowReader) {
  for (bool blocking : {true, false}) {
    Pair pair;
    if (!blocking) make_non_blocking(pair.ours.fd());
    const std::string bytes = pattern(4 << 20);
    std::string got;
    std::thread reader([&, writer = pair.ours.fd()] {
      wait_until_full(writer);
      got = read_all(pair.peer);
    });
    EXPECT_EQ(pair.ours.write(bytes), bytes.size());
    pair.ours = Socket();
    reader.join();
    EXPECT_TRUE(got == bytes);
  }
}

TEST(Socket, WaitsForBytesInNonBlockingModeToo) {
  Pair pair;
  make_non_blocking(pair.ours.fd());
  std::thread writer([&] { pair.peer.write("at last"); });
  EXPECT_EQ(read_some(pair.ours, 100), "at last");
  writer.join();
}

TEST(Socket, KeepsTimeoutsOfTheUser) {
  Pair pair;
  timeval short_time{.tv_sec = 0, .tv_usec = 1000};
  ASSERT_EQ(setsockopt(pair.ours.fd(), SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time), 0);
  char byte;
  EXPECT_EQ(error_of([&] { pair.ours.read(&byte, 1); }), std::errc::resource_unavailable_try_again);
}

TEST(Socket, ContinuesAfterASignal) {
  struct sigaction old, interrupting{};
  interrupting.sa_handler = [](int) {};  // without SA_RESTART
  ASSERT_EQ(sigaction(SIGUSR1, &interrupting, &old), 0);
  Pair pair;
  std::thread other([&, reader = pthread_self()] {
    for (int i = 0; i < 100; ++i) {
      pthread_kill(reader, SIGUSR1);
      std::this_thread::yield();
    }
    pair.peer.write("still here");
  });
  EXPECT_EQ(read_some(pair.ours, 100), "still here");
  other.join();
  sigaction(SIGUSR1, &old, nullptr);
}

TEST(Socket, ReportsABrokenPipeWithoutASignal) {
  auto* before = std::signal(SIGPIPE, SIG_DFL);  // SIGPIPE would end this test now
  Pair pair;
  pair.peer = Socket();
  EXPECT_EQ(error_of([&] { pair.ours.write("x"); }), std::errc::broken_pipe);
  std::signal(SIGPIPE, before);
}

TEST(Socket, WritesNothingWithoutASystemCall) { EXPECT_EQ(Socket().write(std::string_view()), 0u); }

TEST(Socket, ClosesItsDescriptorOnce) {
  Pair pair;
  int fd = pair.ours.fd();
  {
    Socket first(std::move(pair.ours));
    Socket second(std::move(first));
    EXPECT_EQ(first.fd(), -1);  // NOLINT: what is left of it is specified
    EXPECT_EQ(second.fd(), fd);
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
  EXPECT_EQ(pair.ours.fd(), -1);
}

TEST(Socket, ClosesWhatItHadWhenAssigned) {
  Pair pair;
  int ours = pair.ours.fd(), peers = pair.peer.fd();
  pair.ours = std::move(pair.peer);
  EXPECT_FALSE(is_open(ours));
  EXPECT_EQ(pair.ours.fd(), peers);
  EXPECT_TRUE(is_open(peers));
  Socket& self = pair.ours;
  pair.ours = std::move(self);
  EXPECT_TRUE(is_open(peers));
}

TEST(Socket, MovesWhatIsStillBuffered) {
  Pair pair;
  Socket socket(pair.ours.release(), "buffered");
  EXPECT_EQ(read_some(socket, 3), "buf");
  Socket moved(std::move(socket));
  EXPECT_EQ(socket.buffered(), "");  // NOLINT: what is left of it is specified
  EXPECT_EQ(moved.buffered(), "fered");
  Socket assigned;
  assigned = std::move(moved);
  EXPECT_EQ(read_some(assigned, 100), "fered");
}

TEST(Socket, ReleasesTheDescriptor) {
  Pair pair;
  int fd = pair.ours.release();
  pair.ours = Socket();
  EXPECT_TRUE(is_open(fd));
  close(fd);
}

}  // namespace
}  // namespace evio
