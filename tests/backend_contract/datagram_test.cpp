// Datagrams are received and sent whole, with the true address at both ends.
#include "rig.hpp"
#include "support/client.hpp"

namespace evio::test {

using namespace detail;
namespace {

constexpr std::size_t largest = 65'507;

class Datagrams : public DriverContract {
 protected:
  const UdpSocketId port{0}, other_port{1};
  UdpClient client = UdpClient::udp4();

  // Expects the next datagram that the driver receives.
  Rig::ReceivedDatagram next() {
    const std::size_t before = seen_++;
    if (!rig.poll_until([&] { return rig.datagrams.size() > before; }))
      throw std::runtime_error("none came");
    return rig.datagrams[before];
  }
  // What the client receives.
  UdpClient::Datagram answer(UdpClient& at) {
    rig.poll_until([&] { return !at.silent(); });
    return at.receive();
  }
  bool reply(const Rig::ReceivedDatagram& to, std::string_view bytes) {
    return rig->send_to(to.socket, {.from = to.to, .to = to.from, .bytes = bytes});
  }

 private:
  std::size_t seen_ = 0;
};
EVIO_ON_EVERY_DRIVER(Datagrams);

TEST_P(Datagrams, AreReceivedAndSentWithTheirAddresses) {
  const Address address = rig.bind(port);
  client.send_to(address.port(), "question");
  const auto question = next();
  EXPECT_EQ(question.socket, port);
  EXPECT_EQ(question.bytes, "question");
  EXPECT_EQ(question.from, Address::parse("udp://127.0.0.1:" + std::to_string(client.port())));
  EXPECT_EQ(question.to, address);
  EXPECT_TRUE(reply(question, "answer"));
  const auto got = answer(client);
  EXPECT_EQ(got.bytes, "answer");
  EXPECT_EQ(got.from_ip, "127.0.0.1");
  EXPECT_EQ(got.from_port, address.port());
}

TEST_P(Datagrams, AreAnsweredFromTheAddressTheyWereSentTo) {
  for (const char* url : {"udp://:0", "udp://0.0.0.0:0"}) {
    Rig own(GetParam());
    const Address address = own.bind(port, url);
    client.send_to(address.port(), "question", "127.0.0.2");
    ASSERT_TRUE(own.poll_until([&] { return own.datagrams.size() == 1; }));
    const auto& question = own.datagrams[0];
    EXPECT_EQ(question.to.host(), "127.0.0.2") << url;
    EXPECT_EQ(question.to.port(), address.port());
    EXPECT_TRUE(own->send_to(port, {.from = question.to, .to = question.from, .bytes = "answer"}));
    ASSERT_TRUE(own.poll_until([&] { return !client.silent(); }));
    EXPECT_EQ(client.receive().from_ip, "127.0.0.2") << url;
  }
}

TEST_P(Datagrams, WorkOverIp6) {
  const Address address = rig.bind(port, "udp6://[::1]:0");
  UdpClient six = UdpClient::udp6();
  six.send_to(address.port(), "question");
  const auto question = next();
  EXPECT_EQ(question.from.host(), "::1");
  EXPECT_EQ(question.to.host(), "::1");
  EXPECT_TRUE(reply(question, "answer"));
  EXPECT_EQ(answer(six).bytes, "answer");
}

TEST_P(Datagrams, MayBeEmpty) {
  const Address address = rig.bind(port);
  client.send_to(address.port(), "");
  const auto empty = next();
  EXPECT_EQ(empty.bytes, "");
  EXPECT_TRUE(reply(empty, ""));
  EXPECT_EQ(answer(client).bytes, "");
}

TEST_P(Datagrams, MayHaveTheLargestSize) {
  const Address address = rig.bind(port);
  const std::string bytes = pattern(largest);
  client.send_to(address.port(), bytes);
  const auto large = next();
  EXPECT_TRUE(same_bytes(large.bytes, bytes));
  EXPECT_TRUE(reply(large, bytes));
  EXPECT_TRUE(same_bytes(answer(client).bytes, bytes));
}

TEST_P(Datagrams, ThatAreTooLargeAreRefused) {
  const Address address = rig.bind(port);
  client.send_to(address.port(), "question");
  const auto question = next();
  EXPECT_FALSE(reply(question, pattern(largest + 1)));
  EXPECT_FALSE(reply(question, pattern(200'000)));
  EXPECT_TRUE(reply(question, "small"));
  EXPECT_EQ(answer(client).bytes, "small");
}

// The caller may reuse the bytes when send_to has returned.
TEST_P(Datagrams, AreCopiedOrSentBeforeTheCallReturns) {
  const Address address = rig.bind(port);
  client.send_to(address.port(), "question");
  const auto question = next();
  for (unsigned i = 0; i < 20; ++i) {
    std::string bytes = pattern(1000, i);
    ASSERT_TRUE(reply(question, bytes));
    std::fill(bytes.begin(), bytes.end(), '#');
  }
  for (unsigned i = 0; i < 20; ++i) EXPECT_TRUE(same_bytes(answer(client).bytes, pattern(1000, i)));
}

// The kernel may merge and split datagrams on their way: each stays one datagram of its own size.
TEST_P(Datagrams, OfAllSizesStaySeparateAndInOrder) {
  const Address address = rig.bind(port);
  client.send_to(address.port(), "question");
  const auto question = next();
  std::vector<std::string> all;
  for (unsigned i = 0; i < 100; ++i)
    for (const std::size_t size :
         {100U, 100U, 100U, 40U, 0U, 1000U, 1400U, 1400U, 20'000U, 20'000U, 20'000U})
      if (i % 10 == 0 || size < 1000) all.push_back(pattern(size, i));
  for (const std::string& bytes : all)
    ASSERT_TRUE(rig.poll_until([&] { return reply(question, bytes); }));
  for (const std::string& bytes : all) ASSERT_TRUE(same_bytes(answer(client).bytes, bytes));
  rig.poll_until_idle();
  EXPECT_EQ(rig.datagrams_sent.sent, all.size());
  EXPECT_EQ(rig.datagrams_sent.dropped, 0U);
}

TEST_P(Datagrams, ToAlternatingPeersReachEach) {
  const Address address = rig.bind(port);
  UdpClient second = UdpClient::udp4();
  client.send_to(address.port(), "first");
  const auto to_first = next();
  second.send_to(address.port(), "second");
  const auto to_second = next();
  for (unsigned i = 0; i < 200; ++i)
    ASSERT_TRUE(
        rig.poll_until([&] { return reply(i % 3 ? to_first : to_second, pattern(64, i)); }));
  for (unsigned i = 0; i < 200; ++i)
    EXPECT_TRUE(same_bytes(answer(i % 3 ? client : second).bytes, pattern(64, i)));
}

TEST_P(Datagrams, OfSeveralSocketsStaySeparate) {
  const Address first = rig.bind(port), second = rig.bind(other_port);
  client.send_to(second.port(), "second");
  const auto to_second = next();
  EXPECT_EQ(to_second.socket, other_port);
  client.send_to(first.port(), "first");
  const auto to_first = next();
  EXPECT_EQ(to_first.socket, port);
  reply(to_second, "from second");
  EXPECT_EQ(answer(client).from_port, second.port());
}

TEST_P(Datagrams, ToAClosedPortEndNothing) {
  const Address address = rig.bind(port);
  std::uint16_t gone = 0;
  {
    UdpClient nobody = UdpClient::udp4();
    nobody.send_to(address.port(), "I am off");
    gone = nobody.port();
  }
  const auto last = next();
  EXPECT_EQ(last.from.port(), gone);
  for (int i = 0; i < 3; ++i) {
    reply(last, "too late");
    rig.poll_until_idle();
  }
  client.send_to(address.port(), "next");
  EXPECT_EQ(next().bytes, "next");
  EXPECT_LE(rig.idle_for(50ms).polls, 5);
}

TEST_P(Datagrams, StopWhenTheSocketIsClosedInTheCall) {
  const Address address = rig.bind(port);
  for (int i = 0; i < 10; ++i) client.send_to(address.port(), "datagram");
  rig.script = [&](const Up&) { rig->close_datagram(port); };
  next();
  rig.poll_until_idle();
  EXPECT_EQ(rig.datagrams.size(), 1U);
}

TEST_P(Datagrams, AFloodOfThemDoesNotStarveAStream) {
  const Address address = rig.bind(port);
  Pair pair = tcp_pair();
  rig.open(a, pair.ours);
  rig->set_receiving(a, true);
  const std::string bytes = pattern(100);
  for (std::size_t drops = 1; drops <= 20; ++drops) {
    pair.peer.send("x");
    ASSERT_TRUE(rig.poll_until([&] { return rig[a].received.size() == drops; },
                               [&] {
                                 for (int i = 0; i < 200; ++i)
                                   client.send_to(address.port(), bytes);
                               }));
  }
}

}  // namespace
}  // namespace evio::test
