// An idle connection owns no buffer: it takes about a hundred bytes, after traffic, too.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class IdleConnectionsAreSmall : public Behaviour {};
EVIO_ON_EVERY_BACKEND(IdleConnectionsAreSmall);

constexpr std::size_t few = 2'000, many = 12'000, bytes_each = 100;

// The clients run in their own process because of its descriptors and memory; `control` says how
// many to connect.
[[noreturn]] void be_the_clients(int control) {
  std::vector<Client> clients;
  std::uint16_t port = 0;
  const std::string greeting = pattern(1000);
  try {
    for (std::size_t wanted = 0; ::read(control, &wanted, sizeof wanted) == sizeof wanted;) {
      if (port == 0) {
        port = static_cast<std::uint16_t>(wanted);
        continue;
      }
      while (clients.size() < wanted) {
        clients.push_back(Client::tcp4(port));
        if (echo_through(clients.back(), greeting) != greeting) ::_exit(1);
      }
      if (::write(control, &wanted, sizeof wanted) != sizeof wanted) ::_exit(1);
    }
    for (Client& client : clients) client.reset();
  } catch (const std::exception&) {
    ::_exit(1);
  }
  ::_exit(0);
}

TEST_P(IdleConnectionsAreSmall, TakeAtMostAHundredBytesEach) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's memory is no measure";
  if (backend() == Backend::poll) GTEST_SKIP() << "made for small numbers";
  in_child_process([&] {
    if (!limit_descriptors(many + 1000)) return;  // this machine allows too few descriptors
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const pid_t clients = ::fork();
    if (clients == 0) {
      ::close(ends[1]);
      be_the_clients(ends[0]);
    }
    ::close(ends[0]);
    {
      TestServer server = serve(echo());
      const auto have = [&](std::size_t count) {
        std::size_t answer = 0;
        return ::write(ends[1], &count, sizeof count) == sizeof count &&
               ::read(ends[1], &answer, sizeof answer) == sizeof answer && answer == count;
      };
      const std::size_t port = server.port();
      ASSERT_EQ(::write(ends[1], &port, sizeof port), static_cast<ssize_t>(sizeof port));
      ASSERT_TRUE(have(few));
      const std::size_t before = resident_bytes();
      ASSERT_TRUE(have(many));
      EXPECT_EQ(server->stats().open, many);
      EXPECT_LE((resident_bytes() - before) / (many - few), bytes_each);
      EXPECT_TRUE(eventually([&] { return server->stats().memory == 0; }));
      ::close(ends[1]);
      int status = 0;
      ::waitpid(clients, &status, 0);
      EXPECT_EQ(status, 0);
    }
  });
}

}  // namespace
}  // namespace evio::test
