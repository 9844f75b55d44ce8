// Without free descriptors accepting pauses and later resumes; existing connections are served
// meanwhile.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class FullDescriptorTable : public Behaviour {};
EVIO_ON_EVERY_BACKEND(FullDescriptorTable);

constexpr std::size_t room = 6;

// Limits the process to `count` more descriptors than it has now, without unused numbers below.
void leave_room_for(std::size_t count) {
  std::vector<int> fillers;
  const auto open = open_descriptors();
  ASSERT_TRUE(limit_descriptors(static_cast<std::size_t>(*open.rbegin()) + 1 + count));
  for (std::size_t holes = static_cast<std::size_t>(*open.rbegin()) + 1 - open.size(); holes > 0;
       --holes)
    fillers.push_back(::fcntl(0, F_DUPFD_CLOEXEC, 0));
}

Events greeting(std::atomic<int>& opened) {
  return {.opened =
              [&opened](Conn& c) {
                ++opened;
                c.write("!");
              },
          .data = [](Conn& c, Input& in) { c.write(in.take()); }};
}

std::vector<Client> sockets(int count) {
  std::vector<Client> made;
  for (int i = 0; i < count; ++i) made.push_back(Client::unconnected());
  return made;
}

TEST_P(FullDescriptorTable, PausesAcceptingWithoutSpinningAndResumesWhenConnectionsClose) {
  in_child_process([&] {
    std::atomic<int> opened{0};
    TestServer server = serve(greeting(opened));
    auto clients = sockets(20);
    const auto idle = open_descriptors();
    ASSERT_EQ(Client::to(server.address()).receive(1), "!");
    ASSERT_TRUE(eventually([&] { return open_descriptors() == idle; }));
    leave_room_for(room);
    for (Client& client : clients) client.connect(server.port());
    ASSERT_TRUE(eventually([&] { return server->stats().accept_pauses > 0; }));
    // A connection that one loop accepted may still be queued for another.
    ASSERT_TRUE(
        eventually([&] { return server->stats().accepted == static_cast<std::uint64_t>(opened); }));
    const auto served = static_cast<std::size_t>(opened) - 1;
    EXPECT_GE(served, 1U);
    EXPECT_LE(served, room);
    for (std::size_t i = 0; i < served; ++i) {
      EXPECT_EQ(clients[i].receive(1), "!");
      EXPECT_EQ(echo_through(clients[i], "served"), "served");
    }
    // Closing one connection frees two descriptors: the client's and the server's.
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (i >= served) {
        EXPECT_EQ(clients[i].receive(1), "!");
      }
      clients[i].close();
    }
    EXPECT_TRUE(eventually([&] { return server->stats().closed == 21; }));
  });
}

TEST_P(FullDescriptorTable, DoesNotSpinWhileItIsFull) {
  in_child_process([&] {
    std::atomic<int> opened{0};
    TestServer server = serve(greeting(opened));
    auto clients = sockets(20);
    const auto threads = server.threads();
    // Measured by thread clocks, because reading /proc takes a descriptor.
    Usage before = usage(threads);
    leave_room_for(room);
    for (Client& client : clients) client.connect(server.port());
    ASSERT_TRUE(eventually([&] { return server->stats().accept_pauses > 0; }));
    before = usage(threads);
    std::this_thread::sleep_for(200ms);
    EXPECT_LT((usage(threads) - before).cpu, 40ms);
    EXPECT_LE(server->stats().accept_pauses, 100U);
  });
}

TEST_P(FullDescriptorTable, ResumesWhenOthersFreeDescriptors) {
  in_child_process([&] {
    std::atomic<int> opened{0};
    TestServer server = serve(greeting(opened));
    auto clients = sockets(12);
    std::vector<int> others;
    for (int i = 0; i < 20; ++i) others.push_back(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    leave_room_for(room);
    for (Client& client : clients) client.connect(server.port());
    ASSERT_TRUE(eventually([&] { return server->stats().accept_pauses > 0; }));
    EXPECT_LT(opened, 12);
    for (const int fd : others) ::close(fd);  // the server is not notified
    for (Client& client : clients) EXPECT_EQ(client.receive(1), "!");
  });
}

TEST_P(FullDescriptorTable, AServerThatCannotStartThrows) {
  in_child_process([&] {
    Server server(as_set_up({}), "tcp://127.0.0.1:0");
    leave_room_for(0);
    EXPECT_THROW(server.run(), std::system_error);
  });
}

TEST_P(FullDescriptorTable, AnAddressThatCannotBeBoundIsAnErrorThatNamesTheCause) {
  in_child_process([&] {
    leave_room_for(0);
    try {
      const Server server(as_set_up({}), "tcp://127.0.0.1:0");
      ADD_FAILURE() << "where did it get its descriptor from?";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), std::errc::too_many_files_open);
      EXPECT_EQ(error.address(), "tcp://127.0.0.1:0");
    }
  });
}

TEST_P(FullDescriptorTable, ANameThatCannotBeResolvedIsAnErrorThatNamesTheCause) {
  in_child_process([&] {
    std::error_code why;
    Gate closed;
    TestServer server = serve({});
    Events events;
    events.closed = [&](Conn&, std::error_code error) {
      why = error;
      closed.open();
    };
    leave_room_for(0);
    server->connect(on("tcp://localhost:9", std::move(events)));
    ASSERT_TRUE(closed.wait());
    EXPECT_EQ(why, std::errc::too_many_files_open) << why.message();
  });
}

// Starting a thread fails, here for lack of address space.
TEST_P(FullDescriptorTable, ARunThatThrowsReleasesItsDescriptors) {
  if (sanitized) GTEST_SKIP() << "needs address space without end";
  in_child_process([&] {
    Events events = echo();
    events.backend = backend();
    events.loops = 64;
    events.handle_signals = true;
    Server server(std::move(events), "tcp://127.0.0.1:0");
    rlimit before{};
    ::getrlimit(RLIMIT_AS, &before);
    rlimit little = before;
    little.rlim_cur = 300 << 20;  // 64 thread stacks would take 512 MiB
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &little), 0);
    EXPECT_THROW(server.run(), std::system_error);
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
    struct sigaction now {};
    ::sigaction(SIGINT, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
    EXPECT_THROW(Client::to(server.addresses()[0]), std::exception);
    const Server again(as_set_up({}), server.addresses()[0].to_string());
  });
}

}  // namespace
}  // namespace evio::test
