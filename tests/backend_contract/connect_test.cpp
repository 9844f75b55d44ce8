// A connect succeeds or fails once, and is never reported inside the call.
#include "rig.hpp"
#include "support/client.hpp"

namespace evio::test {

using namespace detail;
namespace {

class Connecting : public DriverContract {
 protected:
  const ConnectId first{0}, second{1};

  bool over(ConnectId connect_id) {
    return rig.connected.contains(connect_id) || rig.connect_failures.contains(connect_id);
  }
  // An address without a listener: the port was free just now.
  Address nobody() {
    const Bound bound = rig.platform().bind(Address::parse("tcp://127.0.0.1:0"), false, 1, {});
    rig.platform().discard(bound.socket);
    return bound.address;
  }
};
EVIO_ON_EVERY_DRIVER(Connecting);

TEST_P(Connecting, Succeeds) {
  for (const char* url : {"tcp://127.0.0.1:0", "tcp6://[::1]:0", "unix://@evio-connecting-test"}) {
    Rig own(GetParam());
    const Address address = own.listen(ListenerId{0}, url);
    own->connect(first, address, {});
    ASSERT_TRUE(own.poll_until([&] {
      return own.connected.contains(first) && own.accepted.size() == 1;
    })) << url;
    own.open(a, {own.connected.at(first).release()});
    own.open(b, {own.accepted[0].socket.release()});
    own->set_receiving(b, true);
    own.send(a, "hello");
    EXPECT_TRUE(own.poll_until([&] { return own[b].received == "hello"; })) << url;
  }
}

TEST_P(Connecting, FailsWhereNobodyListens) {
  rig->connect(first, nobody(), {});
  ASSERT_TRUE(rig.poll_until([&] { return over(first); }));
  ASSERT_TRUE(rig.connect_failures.contains(first));
  EXPECT_EQ(rig.connect_failures.at(first), std::errc::connection_refused);
  rig->connect(second, Address::parse("unix:///nowhere/at/all"), {});
  ASSERT_TRUE(rig.poll_until([&] { return over(second); }));
  EXPECT_EQ(rig.connect_failures.at(second), std::errc::no_such_file_or_directory);
}

TEST_P(Connecting, ACancelledAttemptIsNeverReported) {
  const Address address = rig.listen(ListenerId{0});
  rig->connect(first, address, {});
  rig->cancel(first);
  rig->connect(second, nobody(), {});
  rig->cancel(second);
  rig->connect(second, Address::parse("unix:///nowhere/at/all"), {});
  rig->cancel(second);
  rig.poll_until_idle();
  EXPECT_FALSE(over(first));
  EXPECT_FALSE(over(second));
  EXPECT_LE(rig.idle_for(50ms).polls, 5);
  rig->connect(first, address, {});  // the id is reused
  EXPECT_TRUE(rig.poll_until([&] { return rig.connected.contains(first); }));
}

TEST_P(Connecting, AnyCallMayBeMadeInsideItsCalls) {
  const Address address = rig.listen(ListenerId{0});
  rig.script = [&](const Up& up) {
    if (up.kind == Up::connected && up.name == 0) {
      rig->connect(second, address, {});
      rig->cancel(second);
      rig->connect(second, nobody(), {});
    }
  };
  rig->connect(first, address, {});
  EXPECT_TRUE(rig.poll_until([&] { return rig.connect_failures.contains(second); }));
}

TEST_P(Connecting, ToAUdpAddressMakesASocketForItsDatagramsAlone) {
  constexpr UdpSocketId port{7};
  UdpClient peer = UdpClient::bound(), stranger = UdpClient::udp4();
  rig->connect(first, Address::parse("udp://127.0.0.1:" + std::to_string(peer.port())), {});
  ASSERT_TRUE(rig.poll_until([&] { return rig.connected.contains(first); }));
  rig->bind_datagram(port, {rig.connected.at(first).release()});
  const Address own = rig->local_address(port),
                to = Address::parse("udp://127.0.0.1:" + std::to_string(peer.port()));
  EXPECT_EQ(own.host(), "127.0.0.1");
  EXPECT_EQ(rig->set_options(port, {.receive_buffer = 65536}), std::error_code());
  EXPECT_TRUE(rig->send_to(port, {.from = Address(), .to = to, .bytes = "hello"}));
  rig.poll_until_idle();
  EXPECT_EQ(peer.receive().from_port, own.port());
  stranger.send_to(own.port(), "not for you");
  peer.send_to(own.port(), "for you");
  ASSERT_TRUE(rig.poll_until([&] { return !rig.datagrams.empty(); }));
  rig.poll_until_idle();
  ASSERT_EQ(rig.datagrams.size(), 1U);
  EXPECT_EQ(rig.datagrams[0].bytes, "for you");
  EXPECT_TRUE(rig.datagrams_refused.empty());
  rig->close_datagram(port);
}

TEST_P(Connecting, ARefusedDatagramIsReportedForItsSocket) {
  constexpr UdpSocketId port{7}, other{8};
  const Address address = rig.bind(other);
  std::uint16_t gone = 0;
  {
    const UdpClient peer = UdpClient::bound();
    gone = peer.port();
  }
  const Address to = Address::parse("udp://127.0.0.1:" + std::to_string(gone));
  for (int round = 0; round < 3; ++round) {
    rig.connected.clear();
    rig.datagrams_refused.clear();
    rig->connect(first, to, {});
    ASSERT_TRUE(rig.poll_until([&] { return rig.connected.contains(first); }));
    rig->bind_datagram(port, {rig.connected.at(first).release()});
    for (int i = 0; i <= round; ++i)
      rig->send_to(port, {.from = Address(), .to = to, .bytes = "hello?"});
    ASSERT_TRUE(rig.poll_until([&] { return !rig.datagrams_refused.empty(); }));
    EXPECT_EQ(rig.datagrams_refused,
              (std::map<UdpSocketId, std::error_code>{
                  {port, std::make_error_code(std::errc::connection_refused)}}));
    rig->send_to(other, {.from = address, .to = to, .bytes = "refused without a report"});
    rig->close_datagram(port);
    rig.datagrams_refused.clear();
    rig.poll_until_idle();
    EXPECT_TRUE(rig.datagrams_refused.empty());
  }
  EXPECT_LE(rig.idle_for(50ms).polls, 5);
}

TEST_P(Connecting, WorksForManyAttemptsAtOnce) {
  constexpr std::uint32_t count = 200;
  const Address address = rig.listen(ListenerId{0}), closed = nobody();
  for (std::uint32_t i = 0; i < count; ++i)
    rig->connect(ConnectId{i}, i % 2 ? address : closed, {});
  ASSERT_TRUE(
      rig.poll_until([&] { return rig.connected.size() + rig.connect_failures.size() == count; }));
  for (std::uint32_t i = 0; i < count; ++i)
    EXPECT_EQ(rig.connected.contains(ConnectId{i}), i % 2 == 1);
}

TEST_P(Connecting, PendingAttemptsEndWithTheDriver) {
  const Address address = rig.listen(ListenerId{0});
  rig->connect(first, address, {});
  rig.poll(Duration::zero());
  rig->connect(second, nobody(), {});
}

}  // namespace
}  // namespace evio::test
