// Bytes arrive as they were sent, followed by the end; bytes that had arrived when receiving
// stopped are not lost.
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstring>

#include "rig.hpp"

namespace evio::test {

using namespace detail;
namespace {

constexpr std::size_t landed_max =
    262'144;  // what may still be reported after receiving was stopped

// Sends the bytes together with a descriptor.
bool send_descriptor(int fd, std::string bytes) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  iovec piece{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const item = CMSG_FIRSTHDR(&message);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(item), &fd, sizeof fd);
  return ::sendmsg(fd, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

class Receiving : public DriverContract {
 protected:
  Peer peer;

  // Opens the stream `a` and returns its peer.
  void open(Pair pair = tcp_pair()) {
    peer = std::move(pair.peer);
    rig.open(a, pair.ours);
  }
  // Sends all of it while the driver is polled.
  void send(const std::string& bytes) {
    std::size_t sent = 0;
    rig.poll_until([&] { return sent == bytes.size(); },
                   [&] { sent += peer.send(std::string_view(bytes).substr(sent)); });
  }
};
EVIO_ON_EVERY_DRIVER(Receiving);

TEST_P(Receiving, NothingIsReportedBeforeReceivingStarts) {
  open();
  peer.send("early");
  peer.shutdown_write();
  rig.poll_until_idle();
  EXPECT_EQ(rig[a].received, "");
  EXPECT_FALSE(rig[a].ended);
  rig->set_receiving(a, true);
  EXPECT_TRUE(rig.poll_until([&] { return rig[a].ended; }));
  EXPECT_EQ(rig[a].received, "early");
}

TEST_P(Receiving, BytesArriveInOrderBeforeTheEnd) {
  for (Pair (*pair)() : {+[] { return tcp_pair(); }, unix_pair}) {
    Rig own(GetParam());
    Pair made = pair();
    own.open(a, made.ours);
    own->set_receiving(a, true);
    const std::string bytes = pattern(3 * mib);
    std::size_t sent = 0;
    own.poll_until([&] { return sent == bytes.size(); },
                   [&] { sent += made.peer.send(std::string_view(bytes).substr(sent)); });
    made.peer.shutdown_write();
    ASSERT_TRUE(own.poll_until([&] { return own[a].ended; }));
    EXPECT_TRUE(same_bytes(own[a].received, bytes));
    EXPECT_FALSE(own[a].closed) << "the end of one direction ends nothing else";
  }
}

// A read ends at urgent data, even if more bytes follow.
TEST_P(Receiving, BytesAfterUrgentDataArrive) {
  open();
  rig->set_receiving(a, true);
  std::string bytes = pattern(512 * kib);
  send(bytes);
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].received.size() == bytes.size(); }));
  const std::string more = pattern(30 * kib, 1);
  ASSERT_EQ(peer.send(more), more.size());
  ASSERT_EQ(::send(peer.fd(), "!", 1, MSG_OOB | MSG_NOSIGNAL), 1);
  ASSERT_EQ(peer.send(more), more.size());
  bytes += more + more;  // the urgent byte is not part of the stream
  EXPECT_TRUE(rig.poll_until([&] { return rig[a].received.size() >= bytes.size(); }));
  EXPECT_TRUE(same_bytes(rig[a].received, bytes));
}

// A read also ends at a passed descriptor, which the driver ignores.
TEST_P(Receiving, BytesAfterPassedDescriptorsArrive) {
  open(unix_pair());
  rig->set_receiving(a, true);
  std::string bytes = pattern(512 * kib);
  send(bytes);
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].received.size() == bytes.size(); }));
  const std::string more = pattern(30 * kib, 1);
  ASSERT_EQ(peer.send(more), more.size());
  ASSERT_TRUE(send_descriptor(peer.fd(), "!"));
  ASSERT_EQ(peer.send(more), more.size());
  bytes += more + "!" + more;
  EXPECT_TRUE(rig.poll_until([&] { return rig[a].received.size() >= bytes.size(); }));
  EXPECT_TRUE(same_bytes(rig[a].received, bytes));
}

TEST_P(Receiving, BytesThatArrivedBeforeAreReportedImmediately) {
  open();
  peer.send("early");
  rig->set_receiving(a, true);
  EXPECT_TRUE(rig.poll_until([&] { return rig[a].received == "early"; }));
}

TEST_P(Receiving, StopsLateAndLosesNothing) {
  open();
  rig->set_receiving(a, true);
  std::size_t before = 0;
  rig.script = [&](const Up& up) {
    if (up.kind != Up::received || before != 0) return;
    before = rig[a].received.size();
    rig->set_receiving(a, false);
  };
  const std::string bytes = pattern(20 * mib);
  std::size_t sent = 0;
  const auto flood = [&] { sent += peer.send(std::string_view(bytes).substr(sent)); };
  ASSERT_TRUE(rig.poll_until([&] { return before > 0; }, flood));
  rig.poll_until_idle();
  flood();
  rig.poll_until_idle();
  EXPECT_LE(rig[a].received.size() - before, landed_max);
  EXPECT_LT(rig[a].received.size(), bytes.size());
  rig->set_receiving(a, true);
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].received.size() == bytes.size(); }, flood));
  EXPECT_TRUE(same_bytes(rig[a].received, bytes));
}

TEST_P(Receiving, TheEndWaitsForUnreceivedBytes) {
  open();
  rig->set_receiving(a, true);
  rig.poll_until_idle();
  rig->set_receiving(a, false);
  const std::string bytes = pattern(300 * kib);
  send(bytes);
  peer.shutdown_write();
  rig.poll_until_idle();
  EXPECT_LE(rig[a].received.size(), landed_max);
  EXPECT_TRUE(!rig[a].ended || same_bytes(rig[a].received, bytes));
  rig->set_receiving(a, true);
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].ended; }));
  EXPECT_TRUE(same_bytes(rig[a].received, bytes));
}

TEST_P(Receiving, StoppedAndStartedInOneCallContinues) {
  open();
  rig->set_receiving(a, true);
  rig.script = [&](const Up& up) {
    if (up.kind != Up::received) return;
    rig->set_receiving(a, false);
    rig->set_receiving(a, true);
  };
  const std::string bytes = pattern(2 * mib);
  send(bytes);
  peer.shutdown_write();
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].ended; }));
  EXPECT_TRUE(same_bytes(rig[a].received, bytes));
}

TEST_P(Receiving, StoppedAndStartedOftenLosesNothing) {
  open();
  const std::string bytes = pattern(2 * mib);
  std::size_t sent = 0;
  int round = 0;
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].received.size() == bytes.size(); },
                             [&] {
                               sent += peer.send(std::string_view(bytes).substr(sent));
                               rig->set_receiving(a, ++round % 3 != 0);
                             }));
  EXPECT_TRUE(same_bytes(rig[a].received, bytes));
}

TEST_P(Receiving, UnreceivedBytesCostNoPolls) {
  open();
  peer.send("unheard");
  peer.shutdown_write();
  rig.poll_until_idle();
  const Rig::Cost cost = rig.idle_for(100ms);
  EXPECT_LE(cost.polls, 5);
  EXPECT_LT(cost.processor, 50ms);
}

TEST_P(Receiving, TheOtherDirectionContinuesAfterTheEnd) {
  open();
  rig->set_receiving(a, true);
  peer.send("question");
  peer.shutdown_write();
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].ended; }));
  rig.send(a, "answer");
  EXPECT_TRUE(rig.poll_until([&] { return peer.received() == "answer"; }, [&] { peer.read(); }));
}

TEST_P(Receiving, AnEndedStreamCostsNothing) {
  open();
  rig->set_receiving(a, true);
  peer.shutdown_write();
  ASSERT_TRUE(rig.poll_until([&] { return rig[a].ended; }));
  rig.poll_until_idle();
  const Rig::Cost cost = rig.idle_for(100ms);
  EXPECT_LE(cost.polls, 5);
  EXPECT_LT(cost.processor, 50ms);
}

TEST_P(Receiving, ManyStreamsKeepTheirBytesApart) {
  constexpr unsigned count = 100;
  std::vector<Peer> peers;
  for (unsigned i = 0; i < count; ++i) {
    Pair pair = i % 2 ? tcp_pair() : unix_pair();
    peers.push_back(std::move(pair.peer));
    rig.open(StreamId{i}, pair.ours);
    rig->set_receiving(StreamId{i}, true);
    peers.back().send(pattern(1000 + i, i));
    peers.back().shutdown_write();
  }
  for (unsigned i = 0; i < count; ++i) {
    ASSERT_TRUE(rig.poll_until([&] { return rig[StreamId{i}].ended; }));
    EXPECT_TRUE(same_bytes(rig[StreamId{i}].received, pattern(1000 + i, i)));
  }
}

}  // namespace
}  // namespace evio::test
