// The library does not change the state of its process: it raises no SIGPIPE, leaks no descriptor
// to programs that the process runs, and keeps servers independent.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <optional>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class ProcessState : public Behaviour {};
EVIO_ON_EVERY_BACKEND(ProcessState);

TEST_P(ProcessState, SigpipeIsNeverRaisedAndItsDispositionIsUnchanged) {
  in_child_process([&] {
    ::signal(SIGPIPE, SIG_DFL);  // SIGPIPE would end the process
    EventLog log;
    std::optional<Socket> taken;
    Gate detached;
    TestServer server = serve({.data =
                                   [&](Conn& c, Input& in) {
                                     if (in.take() == "detach") return Action::detach;
                                     log.add("data");
                                     c.write(pattern(8 * mib));
                                     return Action::none;
                                   },
                               .closed = [&] { log.add("closed"); },
                               .detached =
                                   [&](Conn&, Socket socket) {
                                     taken = std::move(socket);
                                     detached.open();
                                   }});
    for (int i = 0; i < 5; ++i) {
      Client client = server.connect(tiny);
      client.send("x");
      ASSERT_TRUE(log.wait_for("data", static_cast<std::size_t>(i) + 1));
      client.reset();
    }
    EXPECT_TRUE(log.wait_for("closed", 5));
    Client client = server.connect();
    client.send("detach");
    ASSERT_TRUE(detached.wait());
    client.reset();
    EXPECT_THROW(
        {
          for (int i = 0; i < 100; ++i) taken->write("nobody reads this");
        },
        Error);
    struct sigaction now {};
    ::sigaction(SIGPIPE, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
  });
}

TEST_P(ProcessState, EveryDescriptorIsCloseOnExec) {
  const auto before = open_descriptors();
  EventLog log;
  TemporaryDirectory directory;
  Events events = echo();
  events.opened = [&] { log.add("opened"); };
  TestServer server = serve(std::move(events), "tcp://127.0.0.1:0", "udp://:0",
                            "unix://" + directory / "socket", "tcp://127.0.0.1:0?reuseport=true");
  std::vector<Client> clients;  // these are close-on-exec, too
  for (const std::size_t index : {0, 2, 3}) clients.push_back(server.connect({}, index));
  ASSERT_TRUE(log.wait_for("opened", 3));
  for (const int fd : open_descriptors()) {
    if (before.contains(fd)) continue;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << fd;
  }
}

TEST_P(ProcessState, OnlySocketsAreOpenBeforeRun) {
  const auto descriptors = open_descriptors();
  const auto threads = thread_ids();
  TemporaryDirectory directory;
  const Server server(as_set_up(echo()), "tcp://127.0.0.1:0", "udp://127.0.0.1:0",
                      "unix://" + directory / "socket");
  for (const int fd : open_descriptors()) {
    struct stat kind {};
    if (!descriptors.contains(fd) && ::fstat(fd, &kind) == 0) {
      EXPECT_TRUE(S_ISSOCK(kind.st_mode)) << "so that you may fork";
    }
  }
  EXPECT_EQ(thread_ids(), threads);
}

TEST_P(ProcessState, AServerMadeBeforeAForkRunsInTheChild) {
  Server server(as_set_up({.data =
                               [](Conn& c, Input& in) {
                                 c.write(in.take());
                                 return Action::shutdown;
                               }}),
                "tcp://127.0.0.1:0");
  in_child_process([&] {
    Background peer([&] {
      Client client = Client::to(server.addresses().at(0));
      EXPECT_EQ(echo_through(client, "in the child"), "in the child");
    });
    server.run();
  });
}

TEST_P(ProcessState, SeveralServersInOneProcessAreIndependent) {
  EventLog log;
  Events counted = echo();
  counted.closed = [&] { log.add("first closed"); };
  TestServer first = serve(std::move(counted)), second = serve(echo());
  std::optional<TestServer> third;
  Events automatic = echo();
  automatic.loops = 2;
  third.emplace(std::move(automatic), "tcp://127.0.0.1:0");
  Client a = first.connect(), b = second.connect(), c = third->connect();
  for (Client* client : {&a, &b, &c}) EXPECT_EQ(echo_through(*client, "x"), "x");
  third.reset();
  EXPECT_EQ(c.receive_rest().bytes, "");
  second.stop();
  EXPECT_EQ(b.receive_rest().bytes, "");
  EXPECT_EQ(echo_through(a, "still here"), "still here");
  EXPECT_EQ(log.size(), 0U);
}

TEST_P(ProcessState, AServerMayRunInAHandlerOfAnother) {
  TestServer outer = serve({.data = [&](Conn& c, Input& in) {
    in.take();
    std::string inner_heard;
    Gate heard;
    {
      TestServer inner = serve({.data = [&](Conn&, Input& input) {
        inner_heard = input.take();
        heard.open();
      }});
      Client client = inner.connect();
      client.send("from within");
      EXPECT_TRUE(heard.wait());
    }
    c.write(inner_heard);
  }});
  Client client = outer.connect();
  client.send("x");
  EXPECT_EQ(client.receive(11), "from within");
}

}  // namespace
}  // namespace evio::test
