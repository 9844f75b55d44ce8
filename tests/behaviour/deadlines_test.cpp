// Deadlines judge a peer by what it did: no connection is closed because this process was late to
// read its bytes.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <vector>

#include "support/behaviour.hpp"
#include "support/process.hpp"

namespace evio::test { namespace {

class Deadlines : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(Deadlines, 1);

constexpr std::size_t many = 600;  // more than one epoll_wait returns
constexpr Duration timeout = 2s;
constexpr Duration beyond = 2500ms;

std::vector<Client> connect_many(std::uint16_t port) {
  std::vector<Client> clients;
  for (std::size_t i = 0; i < many; ++i) clients.push_back(Client::tcp4(port));
  for (Client& client : clients) EXPECT_EQ(client.receive(1), "!") << "it is accepted";
  return clients;
}

Events greets_and_echoes() {
  Events events = echo();
  events.opened = [](Conn& c) { c.write("!"); };
  return events;
}

// Which of the clients get a reply to their bytes.
std::size_t answered(std::vector<Client>& clients) {
  std::size_t count = 0;
  for (Client& client : clients) count += client.receive_some() == "x";
  return count;
}

// Ends the child process, whatever happens.
class Child {
 public:
  explicit Child(pid_t id) : id_(id) {}
  Child(const Child&) = delete;
  ~Child() {
    ::kill(id_, SIGCONT);
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  void stop() const {
    ::kill(id_, SIGSTOP);
    int status = 0;
    ::waitpid(id_, &status, WUNTRACED);
  }
  void go_on() const { ::kill(id_, SIGCONT); }

 private:
  const pid_t id_;
};

TEST_P(Deadlines, AStoppedProcessClosesNobodyWhoseBytesWait) {
  if (finds_races)
    GTEST_SKIP() << "ThreadSanitizer does not support threads in a child of a process with threads";
  int port_pipe[2];
  ASSERT_EQ(::pipe(port_pipe), 0);
  const pid_t id = ::fork();
  if (id == 0) {
    try {
      Events events = greets_and_echoes();
      events.options.idle_timeout = timeout;
      events.limits.first_bytes_timeout = timeout;
      events.serving = [&](Server& server) {
        const std::uint16_t port = server.addresses()[0].port();
        if (::write(port_pipe[1], &port, sizeof port) != sizeof port) ::_exit(1);
      };
      Server(as_set_up(std::move(events)), "tcp://127.0.0.1:0").run();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    ::_exit(1);
  }
  ASSERT_GT(id, 0);
  const Child server(id);
  ::close(port_pipe[1]);
  std::uint16_t port = 0;
  ASSERT_EQ(::read(port_pipe[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
  ::close(port_pipe[0]);
  std::vector<Client> clients = connect_many(port);
  server.stop();
  for (Client& client : clients) client.send("x");
  std::this_thread::sleep_for(beyond);
  server.go_on();
  EXPECT_EQ(answered(clients), many);
}

// Blocks a loop's thread in a handler until the gate opens.
struct Held {
  Gate entered, go_on;
};

void hold(TestServer& server, Held& held) {
  server->loop(0).post([&] {
    held.entered.open();
    EXPECT_TRUE(held.go_on.wait());
  });
  ASSERT_TRUE(held.entered.wait());
}

TEST_P(Deadlines, ALongHandlerClosesNobodyWhoseBytesWait) {
  Held held;
  Events events = greets_and_echoes();
  events.options.idle_timeout = timeout;
  events.limits.first_bytes_timeout = timeout;
  TestServer server = serve(std::move(events));
  const OpensAtEnd lets_go(held.go_on);
  std::vector<Client> clients = connect_many(server.port());
  hold(server, held);
  for (Client& client : clients) client.send("x");
  std::this_thread::sleep_for(beyond);
  held.go_on.open();
  EXPECT_EQ(answered(clients), many);
}

TEST_P(Deadlines, AConnectThatCompletedDuringAStallSucceeds) {
  TestServer target = serve(echo());
  std::atomic<std::size_t> opened{0}, closed{0};
  TestServer server =
      serve({.opened = [&] { ++opened; }, .closed = [&](Conn&, std::error_code) { ++closed; }});
  server.on_loop(0, [&] {
    Events events{
        .limits = {.connect_timeout = 100ms},
        .opened = [&] { ++opened; },
        .closed = [&](Conn&, std::error_code error) { closed += error == Errc::connect_timeout; }};
    const Binding to = on(target.address().to_string(), std::move(events));
    for (std::size_t i = 0; i < many; ++i) server->loop(0).connect(to);
    std::this_thread::sleep_for(300ms);
  });
  ASSERT_TRUE(eventually([&] { return opened + closed == many; }));
  EXPECT_EQ(closed, 0U);
}

// Checks the connection of the handler, and connections whose bytes were handled in the same batch,
// before or after it.
TEST_P(Deadlines, TheTimeOfALongHandlerIsNotCountedAsIdle) {
  Held held;
  TestServer server = serve({.options = {.idle_timeout = 1s}, .data = [](Conn& c, Input& in) {
                               if (in.take() == "slow") std::this_thread::sleep_for(1500ms);
                               c.write("x");
                             }});
  const OpensAtEnd lets_go(held.go_on);
  std::vector<Client> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(server.connect());
  for (Client& client : clients) EXPECT_EQ(echo_through(client, "x"), "x");
  hold(server, held);
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i].send(i == 2 ? "slow" : "x");
  held.go_on.open();
  for (Client& client : clients) EXPECT_EQ(client.receive(1), "x");
  std::this_thread::sleep_for(100ms);
  for (Client& client : clients) EXPECT_EQ(echo_through(client, "x"), "x");
}

TEST_P(Deadlines, IdleTimeCountsFromTheEndOfALongHandler) {
  std::atomic<bool> called{false};
  Duration idle{};
  TestServer server = serve({.data = [&](Conn& c, Input& in) {
    in.take();
    std::this_thread::sleep_for(700ms);
    c.run_after(1ms, [&](Conn& later) {
      idle = later.idle_for();
      called = true;
    });
  }});
  Client client = server.connect();
  client.send("x");
  ASSERT_TRUE(eventually([&] { return called.load(); }));
  EXPECT_LT(idle, 600ms);
}

// The peer reads all the time; only this process does not send.
TEST_P(Deadlines, AStalledLoopDoesNotMakeAReaderSlow) {
  constexpr std::size_t size = 24 << 20;
  Held held;
  EventLog log;
  TestServer server = serve(
      {.limits = {.output_high = 16 << 20, .output_low = 16 << 20, .slow_reader_timeout = 300ms},
       .options = {.send_buffer = 64 << 10},
       .data =
           [&](Conn& c, Input& in) {
             in.take();
             c.write(pattern(size));
             held.entered.open();
             EXPECT_TRUE(held.go_on.wait());
           },
       .closed = [&](Conn&, std::error_code error) { log.add(error.message()); }});
  const OpensAtEnd lets_go(held.go_on);
  Client client = server.connect();
  client.send("x");
  ASSERT_TRUE(held.entered.wait());
  Background reader([&] { EXPECT_EQ(client.receive(size).size(), size); });
  std::this_thread::sleep_for(600ms);
  held.go_on.open();
  reader.join();
  EXPECT_EQ(log.size(), 0U);
}

// Deadlines set by the user, for a connection and for a loop.
TEST_P(Deadlines, UserDeadlinesRunAfterAllInputThatHadArrived) {
  EventLog log;
  Gate done;
  TestServer server = serve({.opened =
                                 [&](Conn& c) {
                                   c.write("!");
                                   c.set_deadline(50ms, [&](Conn&) { log.add("deadline"); });
                                   c.loop().set_deadline(50ms, [&] { log.add("deadline"); });
                                   Timer again =
                                       c.set_deadline(1h, [&](Conn&) { log.add("deadline"); });
                                   again.restart(50ms);
                                   c.run_after(100ms, [&](Conn&) {
                                     log.add("timer");
                                     std::this_thread::sleep_for(200ms);
                                   });
                                   std::this_thread::sleep_for(300ms);
                                 },
                             .data =
                                 [&](Conn&, Input& in) {
                                   in.take();
                                   log.add("data");
                                 }});
  Client client = server.connect();
  client.send("x");
  ASSERT_TRUE(eventually([&] { return log.size() == 5; }));
  const std::vector<std::string> all = log.events();
  EXPECT_LT(std::find(all.begin(), all.end(), "data"),
            std::find(all.begin(), all.end(), "deadline"));
}

// Other connections that keep the loop fully busy do not delay a deadline for ever.
TEST_P(Deadlines, ExpireUnderFullLoad) {
  EventLog log;
  TestServer server = serve({.options = {.idle_timeout = 1s},
                             .data = [](Conn&, Input& in) { in.take(); },
                             .closed =
                                 [&](Conn&, std::error_code error) {
                                   log.add(error == Errc::idle_timeout ? "idle" : "closed");
                                 }});
  std::atomic<bool> stop{false};
  Background load([&] {
    const std::string bytes(32 << 10, 'x');
    std::vector<Client> busy;
    for (std::size_t i = 0; i < many; ++i) busy.push_back(server.connect());
    while (!stop)
      for (Client& client : busy) client.send_some(bytes);
  });
  Client silent = server.connect();
  EXPECT_EQ(silent.receive_rest().error, 0);
  stop = true;
  load.join();
  EXPECT_TRUE(log.wait_for("idle"));
}

// The longest duration means never, and no computation with it overflows.
TEST_P(Deadlines, AcceptTheLongestDuration) {
  constexpr Duration never = Duration::max();
  EventLog log;
  Events events = echo();
  events.limits = {.drain_timeout = never,
                   .linger_timeout = never,
                   .connect_timeout = never,
                   .first_bytes_timeout = never,
                   .slow_reader_timeout = never};
  events.options.idle_timeout = never;
  events.closed = [&](Conn&, std::error_code error) { log.add(error.message()); };
  TestServer server = serve(std::move(events));
  server.on_loop(0, [&] {
    server->loop(0).run_after(never, [&] { log.add("timer"); });
    server->loop(0).run_every(never, [&] { log.add("timer"); });
    server->loop(0).set_deadline(never, [&] { log.add("timer"); });
  });
  Client client = server.connect();
  EXPECT_EQ(echo_through(client, "x"), "x");
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(echo_through(client, "x"), "x");
  EXPECT_EQ(log.size(), 0U);
  client.close();
  EXPECT_TRUE(log.wait_for(std::error_code().message()));
}

}  // namespace
}  // namespace evio::test
