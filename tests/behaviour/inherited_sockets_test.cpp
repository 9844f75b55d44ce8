// Bound sockets that are passed to a server as Socket or fd://, or taken from a running server by
// listener().
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "support/background.hpp"
#include "support/behaviour.hpp"
#include "support/bytes.hpp"

namespace evio::test { namespace {

class InheritedSockets : public Behaviour {};
EVIO_ON_EVERY_BACKEND(InheritedSockets);

std::string url_of(Socket socket) { return "fd://" + std::to_string(socket.release()); }

TEST_P(InheritedSockets, AreServedWhateverTheirKind) {
  TemporaryDirectory directory;
  for (const std::string& url : {std::string("tcp://127.0.0.1:0"), std::string("tcp6://[::1]:0"),
                                 "unix://" + (directory / "socket")}) {
    Server first(Events{}, url);
    for (const bool by_number : {false, true}) {
      Socket socket = first.listener(0);
      TestServer second = serve(
          echo(), by_number ? Binding(url_of(std::move(socket))) : Binding(std::move(socket)));
      EXPECT_EQ(second.address().port(), first.addresses()[0].port()) << url;
      Client client = second.connect();
      EXPECT_EQ(echo_through(client, "hello"), "hello") << url;
    }
  }
}

TEST_P(InheritedSockets, ServeDatagrams) {
  Server first(Events{}, "udp://127.0.0.1:0");
  TestServer second = serve(echo(), url_of(first.listener(0)));
  UdpClient client = UdpClient::udp4();
  client.send_to(second.port(), "datagram");
  EXPECT_EQ(client.receive().bytes, "datagram");
}

TEST_P(InheritedSockets, MayHaveTheirOwnHandlers) {
  Server first(Events{}, "tcp://127.0.0.1:0");
  TestServer second = serve({}, on(first.listener(0), echo()));
  Client client = second.connect();
  EXPECT_EQ(echo_through(client, "mine"), "mine");
}

TEST_P(InheritedSockets, FromSystemdAreFound) {
  in_child_process([&] {
    EXPECT_TRUE(listen_fds().empty());
    Server first(Events{}, "tcp://127.0.0.1:0");
    ASSERT_GE(::dup2(first.listener(0).fd(), 3), 0);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_PID", "1", 1);
    EXPECT_TRUE(listen_fds().empty()) << "meant for another process";
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    TestServer second = serve(echo(), listen_fds());
    Client client = second.connect();
    EXPECT_EQ(echo_through(client, "hello"), "hello");
  });
}

TEST_P(InheritedSockets, ADescriptorThatIsNotASocketIsAnError) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const Socket other_end(pipe[1]);
  EXPECT_THROW(serve(echo(), "fd://" + std::to_string(pipe[0])), Error);
  EXPECT_THROW(serve(echo(), Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))), Error)
      << "not bound";
  for (const char* url : {"fd://", "fd://x", "fd://-1", "fd://3x", "fd://999999"})
    EXPECT_THROW(serve(echo(), url), Error) << url;
}

TEST_P(InheritedSockets, ADescriptorThatIsOnlyNamedStaysOpen) {
  Server first(Events{}, "tcp://127.0.0.1:0");
  const Socket socket = first.listener(0);
  const std::string url = "fd://" + std::to_string(socket.fd());
  { const Binding unused(url); }
  EXPECT_THROW(serve({}, url, "tcp://127.0.0.1:none"), Error);
  EXPECT_THROW(first.connect(url), Error);
  EXPECT_GE(::fcntl(socket.fd(), F_GETFD), 0);
}

TEST_P(InheritedSockets, AreServedOnce) {
  Server first(Events{}, "tcp://127.0.0.1:0");
  const Binding binding(first.listener(0));
  TestServer second = serve(echo(), binding);
  EXPECT_THROW(serve(echo(), binding), Error);
}

TEST_P(InheritedSockets, AClosedListenerCannotBePassedOn) {
  Server server(as_set_up(echo()), "tcp://127.0.0.1:0");
  server.shutdown();
  server.run();
  EXPECT_THROW(server.listener(0), Error);
}

TEST_P(InheritedSockets, OfAnUnknownAddressAreAnError) {
  Server server(as_set_up(echo()), "tcp://127.0.0.1:0");
  for (const int index : {-1, 1}) {
    try {
      server.listener(index);
      ADD_FAILURE() << "of address " << index;
    } catch (const std::out_of_range& error) {
      EXPECT_EQ(error.what(), "evio: there is no address " + std::to_string(index) +
                                  "; there are 1, counted from 0");
    }
  }
}

TEST_P(InheritedSockets, TheSocketFileBelongsToTheSuccessor) {
  TemporaryDirectory directory;
  const std::string path = directory / "socket";
  Socket passed;
  {
    TestServer first = serve(echo(), "unix://" + path);
    passed = first->listener(0);
  }
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
  TestServer second = serve(echo(), std::move(passed));
  Client client = Client::to(Address::from_path(path));
  EXPECT_EQ(echo_through(client, "still here"), "still here");
}

// A restart under load: the successor accepts before the first server drains.
TEST_P(InheritedSockets, NoConnectionIsRefusedWhenAServerIsReplaced) {
  auto first = std::make_unique<TestServer>(as_set_up(echo()), "tcp://127.0.0.1:0");
  const Address address = first->address();
  std::atomic<bool> stop = false;
  std::atomic<int> served = 0;
  std::vector<Background> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        Client client = Client::to(address);
        EXPECT_EQ(echo_through(client, "x"), "x");
        ++served;
      }
    });
  }
  const auto serve_some = [&] {
    const int before = served;
    EXPECT_TRUE(eventually([&] { return served > before + 20; }));
  };
  serve_some();
  for (int restart = 0; restart < 3; ++restart) {
    auto second = std::make_unique<TestServer>(as_set_up(echo()), (*first)->listener(0));
    (*first)->drain(1h);
    EXPECT_EQ(first->wait(), nullptr);
    first = std::move(second);
    serve_some();
  }
  stop = true;
}

// Each loop has its own socket, and with it a part of the waiting connections.
TEST_P(InheritedSockets, EverySocketOfASharedAddressIsPassedOn) {
  constexpr int waiting = 40;
  const auto serves = [](Conn& c) { c.write("served"); };
  auto first =
      std::make_unique<TestServer>(as_set_up({.limits = {.connections_max = 1}, .opened = serves}),
                                   "tcp://127.0.0.1:0?reuseport=true");
  const Client admitted = first->connect();
  ASSERT_TRUE(eventually([&] { return (*first)->stats().open == 1; }));
  std::vector<Client> clients;
  for (int i = 0; i < waiting; ++i) clients.push_back(first->connect());
  std::vector<Binding> sockets;
  for (Socket& socket : (*first)->listeners(0)) sockets.emplace_back(std::move(socket));
  EXPECT_EQ(sockets.size(), static_cast<std::size_t>(loops()));
  TestServer second = serve({.opened = serves}, sockets);
  (*first)->drain(1ms);
  EXPECT_EQ(first->wait(), nullptr);
  first.reset();
  for (Client& client : clients) EXPECT_EQ(client.receive(6), "served");
}

TEST_P(InheritedSockets, ADrainingServerSleepsWhileItsSuccessorIsBusy) {
  TestServer first = serve(echo());
  Client kept = first.connect();
  EXPECT_EQ(echo_through(kept, "x"), "x");
  const Socket successors = first->listener(0);
  first->drain(1h);
  EXPECT_TRUE(eventually([&] { return first->stats().open == 1; }));
  EXPECT_EQ(echo_through(kept, "drains"), "drains");
  const Client waiting = first.connect();
  std::this_thread::sleep_for(20ms);
  const auto before = first->stats().wakeups;
  std::this_thread::sleep_for(100ms);
  EXPECT_LE(first->stats().wakeups - before, 20U);
}

TEST_P(InheritedSockets, AListenerThatAnotherProcessShutDownCostsNothingDuringAPause) {
  TestServer server = serve({.limits = {.connections_max = 1}});
  const Socket copy = server->listener(0);
  const Client only = server.connect();
  ASSERT_TRUE(eventually([&] { return server->stats().open == 1; }));
  ASSERT_EQ(::shutdown(copy.fd(), SHUT_RDWR), 0);
  std::this_thread::sleep_for(20ms);
  const auto before = server->stats().wakeups;
  std::this_thread::sleep_for(100ms);
  EXPECT_LE(server->stats().wakeups - before, 20U);
}

// Another reader of the socket does not see options that a server sets for itself.
TEST_P(InheritedSockets, DatagramsAreReceivedOneByOneByAPlainReader) {
  const Socket before =
      Server(Events{}, "udp://127.0.0.1:0").listener(0);  // passed on and inherited
  for (const bool inherited : {false, true}) {
    Socket heir;
    if (inherited) {
      TestServer server = serve({}, Socket(::fcntl(before.fd(), F_DUPFD_CLOEXEC, 0)));
      heir = Socket(::fcntl(before.fd(), F_DUPFD_CLOEXEC, 0));
    } else {
      Server server(
          as_set_up({.serving = [](Server& s) { s.run_after(1ms, [&s] { s.shutdown(); }); }}),
          "udp://127.0.0.1:0");
      heir = server.listener(0);
      server.run();
    }
    const std::uint16_t port =
        Server(Events{}, Socket(::fcntl(heir.fd(), F_DUPFD_CLOEXEC, 0))).addresses()[0].port();
    Events sender;
    sender.opened = [](Conn& c) {
      for (int i = 0; i < 8; ++i) c.write("datagram " + std::to_string(i));
      c.server().shutdown();
    };
    Server client(std::move(sender));
    client.loop(0).connect("udp://127.0.0.1:" + std::to_string(port));
    client.run();
    char bytes[1024];
    for (int i = 0; i < 8; ++i)
      EXPECT_EQ(::recv(heir.fd(), bytes, sizeof bytes, MSG_DONTWAIT), 10) << i;
  }
}

}  // namespace
}  // namespace evio::test
