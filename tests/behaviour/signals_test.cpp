// Signals: SIGINT and SIGTERM cause an orderly shutdown if enabled, a second one ends it
// immediately, and the process's own dispositions are restored. Each case runs in a child process,
// because signals are sent to whole processes.
#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class Signals : public Behaviour {};
EVIO_ON_EVERY_BACKEND(Signals);

std::atomic<int> handled{0};
void count_signal(int) { ++handled; }

void install(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ASSERT_EQ(::sigaction(signal, &action, nullptr), 0);
}

void (*installed(int signal))(int) {
  struct sigaction action {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

TEST_P(Signals, CauseAnOrderlyShutdownAndTheirDispositionsAreRestored) {
  for (const int signal : {SIGINT, SIGTERM})
    in_child_process([&] {
      install(SIGTERM, count_signal);
      EventLog log;
      TestServer server = serve({.handle_signals = true,
                                 .opened =
                                     [&](Conn& c) {
                                       c.write("hello");
                                       log.add("opened");
                                     },
                                 .closed = [&] { log.add("closed"); }});
      Client client = server.connect();
      EXPECT_EQ(client.receive(5), "hello");
      ::kill(::getpid(), signal);
      EXPECT_EQ(message_of(server.wait()), "");
      EXPECT_EQ(log.events(), (std::vector<std::string>{"opened", "closed"}));
      EXPECT_EQ(handled, 0) << "it was the server's";
      EXPECT_EQ(installed(SIGTERM), count_signal);
      EXPECT_EQ(installed(SIGINT), SIG_DFL);
      ::raise(SIGTERM);
      EXPECT_EQ(handled, 1) << "it is ours again";
    });
}

TEST_P(Signals, ASecondSignalEndsTheShutdownImmediately) {
  in_child_process([&] {
    EventLog log;
    TestServer server =
        serve({.limits = {.drain_timeout = std::chrono::hours(1)},
               .options = {.send_buffer = 8192},
               .handle_signals = true,
               .opened =
                   [&](Conn& c) {
                     if (log.count("opened") == 0) c.write(pattern(8 * mib));
                     log.add("opened");
                   },
               .closed = [&](Conn&,
                             std::error_code error) { log.add(error ? "an error" : "no error"); }});
    Client client = server.connect(tiny);
    ASSERT_TRUE(log.wait_for("opened"));
    ::kill(::getpid(), SIGTERM);
    // The first signal is handled before the second is sent, because two pending signals may merge
    // into one: it is handled when no further connection is accepted.
    ASSERT_TRUE(eventually([&] {
      try {
        const Client late = server.connect();
        return false;
      } catch (const std::system_error&) {
        return true;
      }
    }));
    EXPECT_FALSE(server.ended());
    ::kill(::getpid(), SIGTERM);
    server.wait();
    EXPECT_EQ(log.count("an error"), 1U);
  });
}

TEST_P(Signals, AreNotCaughtByDefault) {
  in_child_process([&] {
    install(SIGINT, count_signal);
    install(SIGTERM, count_signal);
    TestServer server = serve(echo());
    EXPECT_EQ(installed(SIGINT), count_signal);
    EXPECT_EQ(installed(SIGTERM), count_signal);
    ::kill(::getpid(), SIGTERM);
    ASSERT_TRUE(eventually([] { return handled == 1; }));
    Client client = server.connect();
    EXPECT_EQ(echo_through(client, "still here"), "still here");
  });
}

// As a shell ignores SIGINT for background jobs.
TEST_P(Signals, IgnoredBeforeStayIgnored) {
  in_child_process([&] {
    install(SIGINT, SIG_IGN);
    install(SIGTERM, count_signal);
    TestServer server = serve({.handle_signals = true});
    EXPECT_EQ(installed(SIGINT), SIG_IGN);
    EXPECT_NE(installed(SIGTERM), count_signal);
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(server.wait(), nullptr);
    EXPECT_EQ(installed(SIGINT), SIG_IGN);
    EXPECT_EQ(installed(SIGTERM), count_signal);
  });
}

TEST_P(Signals, OnlyOneServerOfAProcessMayHandleThem) {
  if (sanitized && backend() == Backend::io_uring)
    GTEST_SKIP() << "ThreadSanitizer runs handlers in calls that it knows, and io_uring_enter is "
                    "none of them";
  in_child_process([&] {
    {
      TestServer server = serve({.handle_signals = true});
      EXPECT_THROW(evio::serve(as_set_up({.handle_signals = true,
                                          .serving = [] { return Action::shutdown; }}),
                               "tcp://127.0.0.1:0"),
                   Error);
      Client client = server.connect();
    }
    // The next server may.
    Background signals([] {
      ASSERT_TRUE(eventually([] { return installed(SIGTERM) != SIG_DFL; }));
      ::kill(::getpid(), SIGTERM);
    });
    evio::serve(as_set_up({.handle_signals = true}), "tcp://127.0.0.1:0");
  });
}

TEST_P(Signals, ShutdownMayBeCalledInASignalHandler) {
  in_child_process([&] {
    static Server* running = nullptr;
    TestServer server = serve({});
    running = &*server;
    install(SIGUSR1, [](int) { running->shutdown(); });
    ::kill(::getpid(), SIGUSR1);
    EXPECT_EQ(message_of(server.wait()), "");
  });
}

}  // namespace
}  // namespace evio::test
