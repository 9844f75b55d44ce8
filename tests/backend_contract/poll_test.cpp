// poll waits for events, for its deadline and for wakes: as long as requested, and no longer.
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>

#include "rig.hpp"
#include "support/background.hpp"

namespace evio::test {

using namespace detail;
namespace {

class Polling : public DriverContract {};
EVIO_ON_EVERY_DRIVER(Polling);

TEST_P(Polling, DoesNotReturnBeforeItsDeadline) {
  for (const Duration wait :
       {Duration(1us), Duration(300us), Duration(1ms), Duration(5300us), Duration(20ms)}) {
    const Duration begin = rig->now();
    EXPECT_FALSE(rig.poll(wait)) << "there was nothing";
    EXPECT_GE(rig->now() - begin, wait);
  }
}

TEST_P(Polling, WithADeadlineInThePastDoesNotWait) {
  for (const Duration deadline : {Duration::min(), Duration::zero(), rig->now() - 1s, rig->now()})
    EXPECT_FALSE(rig.poll_at(deadline));
}

TEST_P(Polling, ReportsWhetherThereWasAnEvent) {
  Pair pair = tcp_pair();
  rig.open(a, pair.ours);
  rig->set_receiving(a, true);
  rig.poll_until_idle();
  pair.peer.send("x");
  bool any = false;
  ASSERT_TRUE(eventually([&] {
    any |= rig.poll(10ms);
    return rig.up_calls > 0;
  }));
  EXPECT_TRUE(any);
}

TEST_P(Polling, TheClockNeverGoesBack) {
  Duration last = rig->now();
  for (int i = 0; i < 1000; ++i) {
    const Duration now = rig->now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST_P(Polling, AWakeEndsIt) {
  for (int i = 0; i < 20; ++i) {
    Background waking([&] { rig.waker().wake(); });
    EXPECT_TRUE(rig.poll_at(Duration::max()));
  }
}

TEST_P(Polling, AWakeBeforeItIsNotLost) {
  rig.waker().wake();
  EXPECT_TRUE(rig.poll_at(Duration::max()));
  rig.poll(Duration::zero());
  rig.waker().wake();
  rig.waker().wake();
  EXPECT_TRUE(rig.poll_at(Duration::max()));
}

TEST_P(Polling, AWakeInsideAnUpCallIsNotLost) {
  Pair pair = tcp_pair();
  rig.open(a, pair.ours);
  rig->set_receiving(a, true);
  rig.script = [&](const Up&) { rig.waker().wake(); };
  pair.peer.send("x");
  ASSERT_TRUE(rig.poll_until([&] { return rig.up_calls > 0; }));
  EXPECT_TRUE(rig.poll(hang_guard));
}

TEST_P(Polling, AWakeIsSeenOnce) {
  for (int i = 0; i < 3; ++i) {
    rig.waker().wake();
    rig.poll_until_idle();
    EXPECT_LE(rig.idle_for(50ms).polls, 5);
  }
}

// Each number is announced by a wake; a lost wake would hang the test.
TEST_P(Polling, NoWakeIsLostAmongMany) {
  std::atomic<int> announced = 0, seen = 0;
  constexpr int count = 2000;
  Background waking([&] {
    for (int i = 1; i <= count; ++i) {
      announced = i;
      rig.waker().wake();
      if (i % 2) continue;
      while (seen < i) std::this_thread::yield();
    }
  });
  while (seen < count) {
    rig.poll_at(Duration::max());
    seen = announced.load();
  }
}

TEST_P(Polling, AWakeIsSeenDuringAFlood) {
  Pair pair = tcp_pair();
  rig.open(a, pair.ours);
  rig->set_receiving(a, true);
  const std::string bytes = pattern(1 * mib);
  std::atomic<bool> done = false;
  rig.script = [&](const Up&) { pair.peer.send(bytes); };
  pair.peer.send(bytes);
  Background waking([&] {
    for (int i = 0; i < 100; ++i) rig.waker().wake();
    done = true;
    rig.waker().wake();
  });
  EXPECT_TRUE(rig.poll_until([&] { return done.load(); }));
}

TEST_P(Polling, TheWakerOutlivesTheDriver) {
  rig.destroy_driver();
  rig.waker().wake();
}

TEST_P(Polling, NothingToDoCostsNothing) {
  Pair pair = tcp_pair();
  rig.open(a, pair.ours);
  rig->set_receiving(a, true);
  rig.listen(ListenerId{0});
  rig.bind(UdpSocketId{0});
  rig.poll_until_idle();
  const Rig::Cost cost = rig.idle_for(200ms);
  EXPECT_LE(cost.polls, 5);
  EXPECT_LT(cost.processor, 100ms);
}

Waker* woken_by_signal = nullptr;

// Sends signals to this thread until the object is destroyed.
class Signals {
 public:
  explicit Signals(void (*handler)(int)) : target_(::pthread_self()) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(SIGUSR1, &action, &before_);
  }
  Signals(const Signals&) = delete;
  ~Signals() { ::sigaction(SIGUSR1, &before_, nullptr); }

  void send() const { ::pthread_kill(target_, SIGUSR1); }

 private:
  const pthread_t target_;
  struct sigaction before_ {};
};

TEST_P(Polling, ASignalDoesNotEndIt) {
  static std::atomic<int> handled;
  handled = 0;
  const Signals signals([](int) { ++handled; });
  std::atomic<bool> done = false;
  Background sending([&] {
    while (!done) {
      signals.send();
      std::this_thread::sleep_for(1ms);
    }
  });
  do {
    const Duration begin = rig->now();
    EXPECT_FALSE(rig.poll(30ms));
    EXPECT_GE(rig->now() - begin, 30ms);
  } while (handled == 0);
  done = true;
}

TEST_P(Polling, AWakeFromASignalHandlerEndsIt) {
  woken_by_signal = &rig.waker();
  const Signals signals([](int) {
    const int before = errno;
    errno = 12345;
    woken_by_signal->wake();
    if (errno != 12345) std::abort();
    errno = before;
  });
  std::atomic<bool> done = false;
  Background sending([&] {
    signals.send();
    while (sanitized && !done) {  // ThreadSanitizer may delay a handler until the wait ends
      std::this_thread::sleep_for(1ms);
      signals.send();
    }
  });
  EXPECT_TRUE(rig.poll_at(Duration::max()));
  done = true;
}

}  // namespace
}  // namespace evio::test
