// A descriptor of the user is reported as long as it is ready, and never after it is unwatched.
#include <fcntl.h>
#include <unistd.h>

#include "rig.hpp"

namespace evio::test {

using namespace detail;
namespace {

class Watching : public DriverContract {
 protected:
  Watching() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe2");
    from_ = Socket(ends[0]);
    to_ = Socket(ends[1]);
  }
  std::error_code watch(WatchId name, const Socket& end, Interest interest) {
    return rig->watch(name, {end.fd()}, interest);
  }
  void fill() { ASSERT_EQ(::write(to_.fd(), "x", 1), 1); }
  void empty() {
    char byte = 0;
    ASSERT_EQ(::read(from_.fd(), &byte, 1), 1);
  }
  std::size_t reports(WatchId name) { return rig.readiness[name].size(); }

  Socket from_, to_;
  const WatchId first{0}, second{1};
};
EVIO_ON_EVERY_DRIVER(Watching);

TEST_P(Watching, ReportsADescriptorWhileItIsReady) {
  EXPECT_FALSE(watch(first, from_, Interest::read));
  rig.poll_until_idle();
  EXPECT_EQ(reports(first), 0U);
  fill();
  ASSERT_TRUE(rig.poll_until([&] { return reports(first) >= 3; }));
  EXPECT_EQ(rig.readiness[first].front(), Interest::read);
  empty();
  rig.poll(10ms);
  rig.poll(10ms);
  const std::size_t before = reports(first);
  EXPECT_LE(rig.idle_for(50ms).polls, 5);
  EXPECT_EQ(reports(first), before);
  fill();
  EXPECT_TRUE(rig.poll_until([&] { return reports(first) > before; }));
}

TEST_P(Watching, DistinguishesReadingAndWriting) {
  EXPECT_FALSE(watch(first, to_, Interest::write));
  EXPECT_FALSE(watch(second, from_, Interest::read));
  ASSERT_TRUE(rig.poll_until([&] { return reports(first) > 0; }));
  EXPECT_EQ(rig.readiness[first].front(), Interest::write);
  EXPECT_EQ(reports(second), 0U);
  Pair pair = tcp_pair();
  const Socket both(static_cast<int>(pair.ours.value));
  rig->unwatch(first);
  pair.peer.send("x");
  EXPECT_FALSE(watch(first, both, Interest::both));
  EXPECT_TRUE(rig.poll_until([&] { return rig.readiness[first].back() == Interest::both; }));
  rig->unwatch(first);
}

TEST_P(Watching, NeverReportsAnUnwatchedDescriptor) {
  EXPECT_FALSE(watch(first, from_, Interest::read));
  EXPECT_FALSE(watch(second, to_, Interest::write));
  rig.script = [&](const Up& up) {
    if (up.kind == Up::ready && up.name == 1) rig->unwatch(second);
  };
  ASSERT_TRUE(rig.poll_until([&] { return reports(second) == 1; }));
  fill();
  rig->unwatch(first);
  rig.poll_until_idle();
  EXPECT_EQ(reports(first), 0U);
  EXPECT_EQ(reports(second), 1U);
  from_ = Socket();  // and may be closed
  EXPECT_LE(rig.idle_for(50ms).polls, 5);
}

TEST_P(Watching, AHangUpMakesTheWantedDirectionsReady) {
  EXPECT_FALSE(watch(first, from_, Interest::read));
  to_ = Socket();
  EXPECT_TRUE(rig.poll_until([&] { return reports(first) > 0; }));
  rig->unwatch(first);
}

TEST_P(Watching, ADescriptorThatCannotBeWatchedIsAnError) {
  const Socket file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(watch(first, file, Interest::read));
  EXPECT_TRUE(rig->watch(second, {-1}, Interest::read));
  rig.poll_until_idle();
}

}  // namespace
}  // namespace evio::test
