// A kernel that keeps failing: only the connection with the failed call is affected.
#include <atomic>

#include "faults.hpp"
#include "support/behaviour.hpp"

namespace evio::test { namespace {

using faults::Fault;
using faults::happened;

class FailingKernel : public Behaviour {
 protected:
  void TearDown() override { faults::clear(); }

  void expect(Fault fault, double probability) {
    plan_[fault] = probability;
    faults::set(plan_);
  }
  /// The events of an echo server that counts.
  Events counted() {
    return {.opened = [this] { ++opened_; },
            .data = [](Conn& c, Input& in) { c.write(in.take()); },
            .closed =
                [this](Conn&, std::error_code error) {
                  ++closed_;
                  if (error) ++errors_;
                }};
  }
  /// Makes connections one after another that send, and read until the end, however that comes.
  void many_echoes(const TestServer& server, int count) {
    const std::string bytes = pattern(20 * kib);
    for (int i = 0; i < count; ++i) {
      Client client = server.connect();
      try {
        client.send(bytes);
        client.shutdown_write();
      } catch (const std::system_error&) {
        continue;  // the server has reset it
      }
      EXPECT_TRUE(is_prefix(client.receive_rest().bytes, bytes));
    }
  }
  void all_is_well_again(TestServer& server) {
    faults::clear();
    Client client = server.connect();
    EXPECT_EQ(echo_through(client, "as ever"), "as ever");
    client.close();
    EXPECT_TRUE(eventually([&] { return opened_ == closed_ && server->stats().open == 0; }));
    EXPECT_EQ(server->stats().memory, 0U);
  }

  std::atomic<int> opened_{0}, closed_{0}, errors_{0};

 private:
  faults::Plan plan_;
};

TEST_P(FailingKernel, AFailedReceiveClosesItsConnection) {
  TestServer server = serve(counted());
  expect(Fault::receive_failed, 0.2);
  many_echoes(server, 100);
  EXPECT_GT(happened(Fault::receive_failed), 0U);
  EXPECT_GT(errors_, 0);
  all_is_well_again(server);
}

TEST_P(FailingKernel, AFailedSendClosesItsConnection) {
  TestServer server = serve(counted());
  expect(Fault::send_failed, 0.2);
  many_echoes(server, 100);
  EXPECT_GT(happened(Fault::send_failed), 0U);
  EXPECT_GT(errors_, 0);
  all_is_well_again(server);
}

TEST_P(FailingKernel, AcceptingResumesAfterAShortage) {
  TestServer server = serve(counted());
  expect(Fault::accept_refused, 0.7);
  for (int i = 0; i < 20; ++i) {
    Client client = server.connect();
    EXPECT_EQ(echo_through(client, "late"), "late");
  }
  EXPECT_GT(happened(Fault::accept_refused), 0U);
  EXPECT_GT(server->stats().accept_pauses, 0U);
  all_is_well_again(server);
}

// Only epoll can fail to watch a descriptor.
class FailingEpoll : public FailingKernel {};

TEST_P(FailingEpoll, AConnectionThatCannotBeWatchedIsClosed) {
  TestServer server = serve(counted());
  expect(Fault::watch_refused, 0.5);
  many_echoes(server, 100);
  EXPECT_GT(happened(Fault::watch_refused), 0U);
  EXPECT_GT(errors_, 0);
  all_is_well_again(server);
}

// A listener or a UDP socket that is not watched would never be reported again.
TEST_P(FailingEpoll, AServerWhoseSocketsCannotBeWatchedRetries) {
  for (int i = 0; i < 10; ++i) {
    Events events = counted();
    events.serving = [&] { expect(Fault::watch_refused, 1); };
    TestServer server = serve(std::move(events), "tcp://127.0.0.1:0", "udp://127.0.0.1:0");
    ASSERT_TRUE(eventually([] { return happened(Fault::watch_refused) >= 2; }));
    faults::clear();
    Client client = server.connect();
    EXPECT_EQ(echo_through(client, "late"), "late");
    UdpClient udp = UdpClient::udp4();
    udp.send_to(server.port(1), "late, too");
    EXPECT_EQ(udp.receive().bytes, "late, too");
  }
}

TEST_P(FailingEpoll, AServerThatCannotBeWokenDoesNotStart) {
  Server server(as_set_up(echo()), "tcp://127.0.0.1:0");
  expect(Fault::watch_refused, 1);
  EXPECT_THROW(server.run(), Error);
}

TEST_P(FailingKernel, ARefusedDatagramIsCounted) {
  constexpr std::uint64_t count = 100;
  TestServer server = serve(echo(), "udp://127.0.0.1:0");
  expect(Fault::datagram_refused, 0.3);
  UdpClient client = UdpClient::udp4();
  // One by one, so that they are not sent together.
  for (std::uint64_t sent = 1; sent <= count; ++sent) {
    client.send_to(server.port(), "datagram");
    ASSERT_TRUE(eventually([&] {
      const Stats stats = server->stats();
      return stats.datagrams_sent + stats.datagrams_dropped == sent;
    }));
  }
  EXPECT_GT(happened(Fault::datagram_refused), 0U);
  const Stats stats = server->stats();
  EXPECT_GT(stats.datagrams_dropped, 0U);
  for (std::uint64_t i = 0; i < stats.datagrams_sent; ++i)
    EXPECT_EQ(client.receive().bytes, "datagram");
}

TEST_P(FailingKernel, AllFaultsAtOnce) {
  TestServer server = serve(counted());
  for (std::size_t i = 0; i < faults::fault_count; ++i) expect(static_cast<Fault>(i), 0.05);
  many_echoes(server, 200);
  all_is_well_again(server);
}

EVIO_ON_EVERY_BACKEND(FailingKernel);
INSTANTIATE_TEST_SUITE_P(Every, FailingEpoll,
                         testing::Values(Setup{Backend::epoll, 1}, Setup{Backend::epoll, 4}),
                         [](const testing::TestParamInfo<Setup>& info) { return name_of(info); });

}  // namespace
}  // namespace evio::test
