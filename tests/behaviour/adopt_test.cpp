// Only a connected stream socket can be adopted; for anything else adopt() throws an error that
// says why, and leaves the socket unchanged.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

using testing::HasSubstr;

class Adopt : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Adopt);

// The message of adopt()'s error.
std::string refusal_of(TestServer& server, Socket& socket) {
  std::string why;
  const int fd = socket.fd();
  server.on_loop(0, [&] {
    try {
      server->loop(0).adopt(std::move(socket), "tcp://10.0.0.1:1");
      why = "adopted";
    } catch (const Error& error) {
      why = error.what();
    }
  });
  EXPECT_EQ(socket.fd(), fd) << "it stays the caller's";
  return why;
}

TEST_P(Adopt, RejectsWhatIsNotAConnectedStream) {
  EventLog log;
  TestServer server =
      serve({.opened = [&] { log.add("opened"); }, .closed = [&] { log.add("closed"); }});
  Socket none;
  EXPECT_THAT(refusal_of(server, none), HasSubstr("it is empty"));
  int ends[2] = {};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Socket read_end(ends[0]), write_end(ends[1]);
  EXPECT_THAT(refusal_of(server, read_end), HasSubstr("not a socket"));
  EXPECT_THAT(refusal_of(server, write_end), HasSubstr("not a socket"));
  Socket file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_THAT(refusal_of(server, file), HasSubstr("not a socket"));
  Socket listener = server->listener(0);
  EXPECT_THAT(refusal_of(server, listener), HasSubstr("it listens"));
  for (const int family : {AF_INET, AF_INET6, AF_UNIX}) {
    Socket datagrams(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_THAT(refusal_of(server, datagrams), HasSubstr("not a stream"));
    Socket unconnected(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_THAT(refusal_of(server, unconnected), HasSubstr("not connected"));
  }
  EXPECT_EQ(log.size(), 0U);
}

TEST_P(Adopt, AcceptsASocketWhosePeerHasClosed) {
  EventLog log;
  TestServer server =
      serve({.opened = [&] { log.add("opened"); }, .closed = [&] { log.add("closed"); }});
  int pair[2] = {};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  ::close(pair[1]);
  server.on_loop(
      0, [&] { EXPECT_NE(server->loop(0).adopt(Socket(pair[0]), "tcp://10.0.0.1:1"), nullptr); });
  EXPECT_TRUE(log.wait_for("closed"));
}

TEST_P(Adopt, RejectsAddressesThatCannotBeServed) {
  const auto refusal = [this](Socket socket) {
    try {
      Server server(as_set_up({}), Binding(std::move(socket)));
      return std::string("served");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  int ends[2] = {};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Socket other(ends[1]);
  EXPECT_THAT(refusal(Socket(ends[0])), HasSubstr("not a socket"));
  EXPECT_THAT(refusal(Socket()), HasSubstr("served once"));
  EXPECT_THAT(refusal(Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))),
              HasSubstr("not bound"));
  EXPECT_THAT(refusal(Socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, 0))),
              HasSubstr("not a tcp, udp or unix"));
}

}  // namespace
}  // namespace evio::test
