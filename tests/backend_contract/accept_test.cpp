// A driver reports the connections of its listeners, and stops on request.
#include <fcntl.h>
#include <unistd.h>

#include "rig.hpp"

namespace evio::test {

using namespace detail;
namespace {

std::size_t lowest_free_descriptor() {
  return static_cast<std::size_t>(Socket(::dup(STDERR_FILENO)).fd());
}

class Accepting : public DriverContract {
 protected:
  const ListenerId listener{0}, other_listener{1};
  std::vector<Peer> peers;

  void connect(const Address& address, int count) {
    for (int i = 0; i < count; ++i) peers.push_back(connect_to(address));
  }
};
EVIO_ON_EVERY_DRIVER(Accepting);

TEST_P(Accepting, ReportsEachConnectionOnceWithItsPeersAddress) {
  const Address address = rig.listen(listener);
  connect(address, 200);
  ASSERT_TRUE(rig.poll_until([&] { return rig.accepted.size() == 200; }));
  rig.poll_until_idle();
  ASSERT_EQ(rig.accepted.size(), 200U);
  std::set<std::string> brought, there;
  for (const auto& one : rig.accepted) brought.insert(one.peer.to_string());
  for (const Peer& peer : peers) there.insert(peer.local().to_string());
  EXPECT_EQ(brought, there);
}

TEST_P(Accepting, ReportsTheListener) {
  const Address first = rig.listen(listener), second = rig.listen(other_listener);
  connect(second, 1);
  ASSERT_TRUE(rig.poll_until([&] { return rig.accepted.size() == 1; }));
  connect(first, 1);
  ASSERT_TRUE(rig.poll_until([&] { return rig.accepted.size() == 2; }));
  EXPECT_EQ(rig.accepted[0].listener, other_listener);
  EXPECT_EQ(rig.accepted[1].listener, listener);
}

TEST_P(Accepting, UnixPeersHaveNoAddress) {
  const TemporaryDirectory directory;
  const Address address = rig.listen(listener, ("unix://" + directory / "socket").c_str());
  connect(address, 1);
  ASSERT_TRUE(rig.poll_until([&] { return rig.accepted.size() == 1; }));
  EXPECT_EQ(rig.accepted[0].peer, Address::from_path(""));
}

TEST_P(Accepting, AcceptedSocketsAreReadyForUse) {
  connect(rig.listen(listener), 1);
  rig.script = [&](const Up& up) {
    if (up.kind != Up::accepted) return;
    const int fd = rig.accepted[0].socket.fd();
    EXPECT_TRUE(::fcntl(fd, F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
    rig.open(a, {rig.accepted[0].socket.release()});
    rig->set_receiving(a, true);
    rig.send(a, "welcome");
  };
  peers[0].send("hello");
  ASSERT_TRUE(
      rig.poll_until([&] { return rig[a].received == "hello" && peers[0].received() == "welcome"; },
                     [&] { peers[0].read(); }));
}

TEST_P(Accepting, StopsInTheCallOrAfterWhatTheKernelHadAccepted) {
  const Address address = rig.listen(listener);
  connect(address, 50);
  rig.script = [&](const Up&) { rig->set_accepting(listener, false); };
  ASSERT_TRUE(rig.poll_until([&] { return !rig.accepted.empty(); }));
  rig.poll_until_idle();
  const std::size_t late = rig.accepted.size();
  EXPECT_LT(late, 50U);
  connect(address, 3);
  rig.poll_until_idle();
  EXPECT_EQ(rig.accepted.size(), late);
  rig.script = nullptr;
  rig->set_accepting(listener, true);
  EXPECT_TRUE(rig.poll_until([&] { return rig.accepted.size() == 53; }))
      << "those that waited are served";
}

TEST_P(Accepting, WaitingConnectionsCostNothing) {
  const Address address = rig.listen(listener);
  rig->set_accepting(listener, false);
  connect(address, 3);
  rig.poll_until_idle();
  EXPECT_LE(rig.idle_for(100ms).polls, 5);
}

TEST_P(Accepting, AClosedListenerReportsNothing) {
  const Address address = rig.listen(listener);
  connect(address, 20);
  rig.script = [&](const Up&) {
    rig->close_listener(listener);
    rig.script = nullptr;
  };
  ASSERT_TRUE(rig.poll_until([&] { return !rig.accepted.empty(); }));
  rig.poll_until_idle();
  EXPECT_EQ(rig.accepted.size(), 1U);
  EXPECT_THROW(connect_to(address), std::system_error);
}

TEST_P(Accepting, AListenerIdCanBeReused) {
  rig.listen(listener);
  rig->close_listener(listener);
  connect(rig.listen(listener), 1);
  EXPECT_TRUE(rig.poll_until([&] { return rig.accepted.size() == 1; }));
}

TEST_P(Accepting, ConnectionsThatWereResetDoNotAffectOthers) {
  const Address address = rig.listen(listener);
  connect(address, 10);
  for (int i = 0; i < 10; i += 2) peers[i].reset();
  connect(address, 1);
  ASSERT_TRUE(rig.poll_until([&] {
    return !rig.accepted.empty() &&
           rig.accepted.back().peer.to_string() == peers.back().local().to_string();
  }));
  EXPECT_TRUE(rig.accept_stops.empty());
}

// In a child process, because the limit is lowered for the whole process.
TEST_P(Accepting, StopsWithoutDescriptorsAndResumesOnRequest) {
  in_child_process([&] {
    Rig starved(GetParam());
    connect(starved.listen(listener), 3);
    ASSERT_TRUE(limit_descriptors(lowest_free_descriptor()));
    const bool stopped = starved.poll_until([&] { return !starved.accept_stops.empty(); });
    starved.poll_until_idle();
    const std::size_t stops = starved.accept_stops.size();
    const Rig::Cost cost = starved.idle_for(100ms);
    ASSERT_TRUE(limit_descriptors(256));
    ASSERT_TRUE(stopped);
    EXPECT_EQ(starved.accept_stops[0], std::errc::too_many_files_open);
    EXPECT_EQ(stops, 1U) << "nothing more comes until it is asked to go on";
    EXPECT_LE(cost.polls, 5);
    EXPECT_TRUE(starved.accepted.empty());
    starved->set_accepting(listener, true);
    EXPECT_TRUE(starved.poll_until([&] { return starved.accepted.size() == 3; }));
  });
}

}  // namespace
}  // namespace evio::test
