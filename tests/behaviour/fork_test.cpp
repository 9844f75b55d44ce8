// Servers in a process that forks: what the parent closes ends although a child has copies, and a
// child does not affect its parent.
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "support/behaviour.hpp"
#include "support/process.hpp"

namespace evio::test { namespace {

class Fork : public Behaviour {
 protected:
  void SetUp() override {
    if (finds_races)
      GTEST_SKIP()
          << "ThreadSanitizer does not support threads in a child of a process with threads";
  }
};
EVIO_ON_EVERY_BACKEND(Fork);

// Forks; the child runs the given function and lives until it is ended.
class Child {
 public:
  explicit Child(const std::function<void()>& body = {}) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::alarm(hang_guard.count());  // ends the child if this process dies
    if (body) body();
    for (;;) ::pause();
  }
  Child(const Child&) = delete;
  ~Child() { end(SIGKILL); }

  // Ends the child by that signal and returns waitpid's status.
  int end(int signal) {
    if (pid_ > 0) ::kill(pid_, signal);
    return wait();
  }
  // Waits until the child ends by itself and returns waitpid's status.
  std::optional<int> ended() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return status;
  }

 private:
  int wait() {
    int status = 0;
    if (pid_ > 0) ::waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }

  pid_t pid_;
};

// A child that holds copies of all descriptors of a running server.
void fork_on(TestServer& server, std::optional<Child>& child,
             const std::function<void()>& body = {}) {
  server.on_loop(0, [&] { child.emplace(body); });
}

// Replies with the received command and then executes it.
Events obedient() {
  return {.data = [](Conn& c, Input& in) {
    const std::string word(in.take());
    c.write(word);
    if (word == "close") c.close();
    if (word == "abort") c.abort();
  }};
}

bool refuses(const Address& address) {
  try {
    Client::to(address);
    return false;
  } catch (const std::exception&) {
    return true;
  }
}

TEST_P(Fork, AClosedConnectionEndsAlthoughAChildHasACopy) {
  TemporaryDirectory directory;
  TestServer server = serve(obedient(), "tcp://127.0.0.1:0", "unix://" + directory / "socket");
  for (const std::size_t address : {0, 1}) {
    Client closed = server.connect({}, address), aborted = server.connect({}, address);
    EXPECT_EQ(echo_through(closed, "x"), "x");
    EXPECT_EQ(echo_through(aborted, "x"), "x");
    std::optional<Child> child;
    fork_on(server, child);
    EXPECT_EQ(echo_through(closed, "close"), "close");
    EXPECT_EQ(closed.receive_rest().error, 0);
    aborted.send("abort");
    const Client::Rest rest = aborted.receive_rest();
    if (address == 0) {
      EXPECT_EQ(rest.error, ECONNRESET);
    }
    // A connection that is accepted later is not copied to the child, and ends as well.
    Client later = server.connect({}, address);
    EXPECT_EQ(echo_through(later, "close"), "close");
    EXPECT_EQ(later.receive_rest().error, 0);
  }
}

TEST_P(Fork, ClosedSocketsLeaveNoRegistration) {
  TestServer server = serve(obedient());
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(server.connect());
    EXPECT_EQ(echo_through(clients.back(), "x"), "x");
  }
  std::optional<Child> child;
  fork_on(server, child);
  for (Client& client : clients) {
    client.send("close");
    client.receive_rest();
  }
  ASSERT_TRUE(eventually([&] { return server->stats().closed == 8; }));
  for (Client& client : clients) client.send_some("is anybody there?");
  std::this_thread::sleep_for(20ms);
  const auto before = server->stats().wakeups;
  std::this_thread::sleep_for(100ms);
  EXPECT_LE(server->stats().wakeups - before, 20U);
}

TEST_P(Fork, AClosedListenerRefusesAlthoughAChildHasACopy) {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  TestServer server = serve(echo(), "tcp://127.0.0.1:0", "tcp://127.0.0.1:0?reuseport=true",
                            "unix://" + path, "unix://@evio-fork-" + std::to_string(::getpid()));
  const std::vector<Address> addresses = server->addresses();
  std::optional<Child> child;
  fork_on(server, child);
  EXPECT_EQ(server.stop(), nullptr);
  for (const Address& address : addresses) EXPECT_TRUE(refuses(address)) << address.to_string();
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  const TestServer again = serve(echo(), addresses[0].to_string(), "unix://" + path);
}

TEST_P(Fork, AClosedUdpSocketReceivesNothingAlthoughAChildHasACopy) {
  TestServer server = serve(echo(), "udp://127.0.0.1:0");
  UdpClient client = UdpClient::udp4();
  client.connect("127.0.0.1", server.port());
  client.send_to(server.port(), "x");
  EXPECT_EQ(client.receive().bytes, "x");
  const std::uint16_t port = server.port();
  std::optional<Child> child;
  fork_on(server, child);
  EXPECT_EQ(server.stop(), nullptr);
  client.send_to(port, "is anybody there?");
  char byte = 0;
  EXPECT_EQ(::recv(client.fd(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
}

TEST_P(Fork, RefusedAndCancelledConnectionsEndAlthoughAChildHasACopy) {
  Events events = obedient();
  events.limits.connections_per_peer_max = 1;
  TestServer server = serve(std::move(events));
  Client first = server.connect();
  EXPECT_EQ(echo_through(first, "x"), "x");
  std::optional<Child> child;
  fork_on(server, child);
  Client second = server.connect();
  EXPECT_TRUE(second.receive_rest().bytes.empty());
}

TEST_P(Fork, AnOutgoingConnectionEndsAlthoughAChildHasACopy) {
  EventLog log;
  TestServer peer =
      serve({.opened = [&] { log.add("opened"); }, .closed = [&] { log.add("closed"); }});
  std::optional<Handle> connected;
  Gate opened;
  TestServer client = serve({.opened =
                                 [&](Conn& c) {
                                   connected = c.handle();
                                   opened.open();
                                 }},
                            std::vector<Binding>{});
  client->connect(peer.address().to_string());
  ASSERT_TRUE(opened.wait());
  ASSERT_TRUE(log.wait_for("opened", 1));
  std::optional<Child> child;
  fork_on(client, child);
  connected->close();
  EXPECT_TRUE(log.wait_for("closed", 1));
}

// ---- Children that serve

TEST_P(Fork, WorkersServeAddressesBoundBeforeTheFork) {
  in_child_process([&] {
    TemporaryDirectory directory;
    const std::string path = directory / "socket";
    // The server listens but never runs: a worker that is forked while another thread allocates
    // would inherit a lock of AddressSanitizer that no thread releases.
    const Server peer(Events{}, "tcp://127.0.0.1:0");
    auto server = std::make_unique<Server>(
        as_set_up({.handle_signals = true, .data = [](Conn& c, Input& in) { c.write(in.take()); }}),
        "tcp://127.0.0.1:0", "unix://" + path);
    // What was started before run() starts again in each worker.
    int signs[2], pipe_to_watch[2];
    ASSERT_EQ(::pipe2(signs, O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(pipe_to_watch, O_CLOEXEC), 0);
    const auto sign = [&](char what) { EXPECT_EQ(::write(signs[1], &what, 1), 1); };
    server->loop(0).run_after(1ms, [&] { sign('t'); });
    server->loop(0).watch(pipe_to_watch[1], Interest::write,
                          [&, written = false](Interest) mutable {
                            if (!std::exchange(written, true)) sign('w');
                          });
    Events outgoing;
    outgoing.opened = [&] { sign('c'); };
    server->loop(0).connect(on(peer.addresses().front().to_string(), std::move(outgoing)));
    if (loops() == 1) server->native_handle();
    const std::vector<Address> addresses = server->addresses();
    const auto work = [&] {
      server->run();
      ::_exit(0);
    };
    std::optional<Child> first(std::in_place, work), second(std::in_place, work);
    std::string received;
    while (received.size() < 6) {
      char what = 0;
      ASSERT_EQ(::read(signs[0], &what, 1), 1);
      received += what;
    }
    for (const char what : {'t', 'w', 'c'})
      EXPECT_EQ(std::count(received.begin(), received.end(), what), 2) << what;
    for (const Address& address : addresses) {
      Client client = Client::to(address);
      EXPECT_EQ(echo_through(client, "hello"), "hello");
    }
    // A worker that ends does not affect the others.
    EXPECT_EQ(first->end(SIGTERM), 0);
    for (const Address& address : addresses) {
      Client client = Client::to(address);
      EXPECT_EQ(echo_through(client, "still here"), "still here") << address.to_string();
    }
    EXPECT_EQ(second->end(SIGTERM), 0);
    EXPECT_EQ(::access(path.c_str(), F_OK), 0);
    server.reset();  // the last copy
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
  });
}

TEST_P(Fork, ADaemonContinuesAfterItsParentExits) {
  in_child_process([&] {
    TemporaryDirectory directory;
    const std::string path = directory / "socket";
    auto server = std::make_unique<Server>(
        as_set_up({.handle_signals = true, .data = [](Conn& c, Input& in) { c.write(in.take()); }}),
        "tcp://127.0.0.1:0", "unix://" + path);
    const std::vector<Address> addresses = server->addresses();
    Child daemon([&] {
      server->run();
      server.reset();
      ::_exit(0);
    });
    server.reset();  // as exit() would do
    for (const Address& address : addresses) {
      Client client = Client::to(address);
      EXPECT_EQ(echo_through(client, "hello"), "hello") << address.to_string();
    }
    EXPECT_EQ(daemon.end(SIGTERM), 0);
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
    for (const Address& address : addresses) EXPECT_TRUE(refuses(address)) << address.to_string();
  });
}

// ---- Children that do not

TEST_P(Fork, AChildThatDestroysItsCopyDoesNotAffectItsParent) {
  in_child_process([&] {
    struct Mine {
      Handle handle;
      ~Mine() {
        handle.send("from a copy");
        handle.close();
      }
    };
    TemporaryDirectory directory;
    const std::string path = directory / "socket";
    Gate up;
    Events events = obedient();
    events.opened = [](Conn& c) { c.emplace_context<Mine>(c.handle()); };
    events.loop_started = [](Loop& loop) { loop.run_every(1h, [] {}); };
    events.serving = [](Server& s) { s.connect("tcp://192.0.2.1:9"); };  // never answers
    events.tick = [&] {
      up.open();
      return Tick{.delay = 1h};
    };
    auto server = std::make_unique<Server>(as_set_up(std::move(events)), "tcp://127.0.0.1:0",
                                           "unix://" + path);
    const std::vector<Address> addresses = server->addresses();
    Background running([&] { server->run(); });
    ASSERT_TRUE(up.wait());
    std::vector<Client> clients;
    for (const Address& address : addresses) clients.push_back(Client::to(address));
    for (Client& client : clients) EXPECT_EQ(echo_through(client, "x"), "x");
    Gate forked;
    std::optional<Child> child;
    server->loop(0).post([&] {
      child.emplace([&] {
        server->shutdown();
        server.reset();
        ::_exit(7);
      });
      forked.open();
    });
    ASSERT_TRUE(forked.wait());
    std::optional<int> status_then;
    while (!status_then) {
      for (Client& client : clients) ASSERT_EQ(echo_through(client, "x"), "x");
      status_then = child->ended();
    }
    const int status = *status_then;
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
    for (Client& client : clients) EXPECT_EQ(echo_through(client, "still here"), "still here");
    EXPECT_EQ(::access(path.c_str(), F_OK), 0);
    for (const Address& address : addresses) {
      Client client = Client::to(address);
      EXPECT_EQ(echo_through(client, "a new one"), "a new one");
    }
    server->shutdown();
  });
}

TEST_P(Fork, ASignalToAChildDoesNotStopTheParent) {
  in_child_process([&] {
    TestServer server =
        serve({.handle_signals = true, .data = [](Conn& c, Input& in) { c.write(in.take()); }});
    std::optional<Child> child;
    fork_on(server, child);
    const int status = child->end(SIGTERM);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
    Client client = server.connect();
    EXPECT_EQ(echo_through(client, "still here"), "still here");
  });
}

}  // namespace
}  // namespace evio::test
