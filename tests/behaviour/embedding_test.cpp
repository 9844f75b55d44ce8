// A server inside a foreign event loop, and descriptors of the user inside a server's loop.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>

#include "support/background.hpp"
#include "support/behaviour.hpp"
#include "support/bytes.hpp"
#include "support/event_log.hpp"

namespace evio::test { namespace {

class Embedding : public Behaviour {
 protected:
  // A minimal poll loop that runs until the server ends; returns the number of calls.
  int drive(Server& server) {
    pollfd entry{.fd = server.native_handle(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(entry.fd < 0, backend() == Backend::poll);
    int calls = 1;
    for (; server.poll(Duration::zero()); ++calls) {
      const auto most =
          entry.fd < 0 ? std::min<Duration>(server.next_timer(), 5ms) : server.next_timer();
      ::poll(&entry, 1,
             static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(most).count()));
    }
    return calls;
  }
};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(Embedding, 1);

TEST_P(Embedding, ServesWithinAForeignLoop) {
  EventLog log;
  Server server(as_set_up({.serving = [&] { log.add("serving"); },
                           .loop_started = [&] { log.add("loop_started"); },
                           .opened = [&] { log.add("opened"); },
                           .data =
                               [](Conn& c, Input& in) {
                                 if (in.view() == "enough") return Action::shutdown;
                                 c.write(in.take());
                                 return Action::none;
                               },
                           .closed = [&] { log.add("closed"); },
                           .loop_stopped = [&] { log.add("loop_stopped"); }}),
                "tcp://127.0.0.1:0");
  EXPECT_EQ(server.next_timer(), Duration::zero());
  const Background peer([&] {
    Client client = Client::to(server.addresses()[0]);
    for (int i = 0; i < 50; ++i) {
      const std::string bytes = pattern(1000 * static_cast<std::size_t>(i) + 1);
      const Background sending([&] { client.send(bytes); });
      EXPECT_TRUE(same_bytes(client.receive(bytes.size()), bytes));
    }
    client.send("enough");
    client.receive_rest();
  });
  drive(server);
  EXPECT_EQ(log.events(), (std::vector<std::string>{"serving", "loop_started", "opened", "closed",
                                                    "loop_stopped"}));
  EXPECT_FALSE(server.poll(Duration::zero()));
  EXPECT_EQ(server.native_handle(), -1);
}

TEST_P(Embedding, TimersAndPostsOfOtherThreadsRun) {
  std::atomic<int> posts = 0;
  std::chrono::steady_clock::time_point fired{};
  const auto begin = std::chrono::steady_clock::now();
  Server server(as_set_up({.loop_started =
                               [&](Loop& loop) {
                                 loop.run_after(30ms,
                                                [&] { fired = std::chrono::steady_clock::now(); });
                               }}),
                "tcp://127.0.0.1:0");
  const Background other([&] {
    for (int i = 0; i < 20; ++i) {
      server.loop(0).post([&] { ++posts; });
      EXPECT_TRUE(eventually([&] { return posts > i; }));
    }
    std::this_thread::sleep_for(50ms);
    server.shutdown();
  });
  drive(server);
  EXPECT_EQ(posts, 20);
  EXPECT_GE(fired - begin, 30ms);
}

TEST_P(Embedding, CostsNothingWhileIdle) {
  Server server(as_set_up({.loop_started =
                               [](Loop& loop) {
                                 loop.run_after(200ms, [&loop] { loop.server().shutdown(); });
                               }}),
                "tcp://127.0.0.1:0");
  const int calls = drive(server);
  EXPECT_LT(calls, backend() == Backend::poll ? 100 : 20);
}

TEST_P(Embedding, AnExceptionIsThrownByPoll) {
  Server server(as_set_up({.loop_started = []() -> void { throw std::runtime_error("mine"); }}),
                "tcp://127.0.0.1:0");
  EXPECT_THROW(drive(server), std::runtime_error);
  EXPECT_FALSE(server.poll(Duration::zero()));
}

TEST_P(Embedding, RequiresAServerWithOneLoop) {
  Events events = as_set_up(echo());
  events.loops = 2;
  Server server(std::move(events), "tcp://127.0.0.1:0");
  EXPECT_THROW(server.poll(Duration::zero()), std::logic_error);
}

TEST_P(Embedding, ALoopWatchesDescriptorsOfTheUser) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const Socket from(ends[0]), to(ends[1]);
  EventLog log;
  Watch early, watch;
  {
    Server server(as_set_up(echo()), "tcp://127.0.0.1:0");
    early = server.loop(0).watch(from.fd(), Interest::read, [&](Interest ready) {
      EXPECT_EQ(ready, Interest::read);
      char bytes[100];
      const ssize_t n = ::read(from.fd(), bytes, sizeof bytes);
      log.add(std::string(bytes, static_cast<std::size_t>(n)));
      if (log.size() == 2) {
        early.cancel();
        early.cancel();
        server.shutdown();
      }
    });
    const Background other([&] {
      EXPECT_EQ(::write(to.fd(), "first", 5), 5);
      EXPECT_TRUE(log.wait_for("first"));
      EXPECT_EQ(::write(to.fd(), "second", 6), 6);
    });
    server.run();
    EXPECT_EQ(log.events(), (std::vector<std::string>{"first", "second"}));
  }
  early.cancel();
  early.set(Interest::write);
}

TEST_P(Embedding, WhatCannotBeWatchedIsAnError) {
  TestServer server = serve({});
  server.on_loop(0, [&] { EXPECT_THROW(server->loop(0).watch(-1, Interest::read, [] {}), Error); });
  if (backend() == Backend::epoll)
    server.on_loop(0, [&] {
      int ends[2];
      ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
      const Socket from(ends[0]), to(ends[1]);
      Watch watch = server->loop(0).watch(from.fd(), Interest::read, [] {});
      try {
        server->loop(0).watch(from.fd(), Interest::read, [] {});
        ADD_FAILURE() << "watched twice";
      } catch (const Error& error) {
        EXPECT_NE(error.problem().find("it is watched already"), std::string::npos) << error.what();
      }
      watch.cancel();
    });
  Server late(as_set_up({}), "tcp://127.0.0.1:0");
  late.loop(0).watch(-1, Interest::read, [] {});
  EXPECT_THROW(late.run(), Error);
}

TEST_P(Embedding, OneThatCannotBeWatchedDoesNotAffectTheOthers) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Socket from(ends[0]), to(ends[1]);
  int failures = 0;
  Server server(as_set_up({.failed = [&] { ++failures; }}), "tcp://127.0.0.1:0");
  Watch never = server.loop(0).watch(-1, Interest::read, [] {});
  server.loop(0).watch(to.fd(), Interest::write, [&](Interest) {
    never.cancel();
    server.shutdown();
  });
  server.run();
  EXPECT_EQ(failures, 1);
}

// Its connections are not closed in an orderly way, but all their resources are released.
TEST_P(Embedding, AServerMayBeDestroyedBeforeItsEnd) {
  const auto descriptors = open_descriptors();
  const auto kept = std::make_shared<std::string>(pattern(8 * mib));
  {
    bool opened = false;
    Server server(as_set_up({.options = {.idle_timeout = 10s, .send_buffer = 8192},
                             .opened =
                                 [&](Conn& c) {
                                   c.run_after(10s, [kept] {});
                                   c.emplace_context<std::shared_ptr<std::string>>(kept);
                                   c.write(SharedBytes(kept, *kept));
                                   opened = true;
                                 }}),
                  "tcp://127.0.0.1:0");
    ASSERT_TRUE(server.poll(Duration::zero()));
    const Client client = Client::to(server.addresses()[0], tiny);
    while (!opened) ASSERT_TRUE(server.poll(1ms));
    server.loop(0).connect("tcp://localhost:1")->run_after(10s, [kept] {});
    ASSERT_TRUE(server.poll(Duration::zero()));
  }
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST_P(Embedding, AnExceptionInAWatchIsPassedToFailed) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Socket from(ends[0]), to(ends[1]);
  Server server(as_set_up({.failed =
                               [](Conn* c, const std::exception_ptr&) {
                                 EXPECT_EQ(c, nullptr);
                                 return Action::shutdown;
                               }}),
                "tcp://127.0.0.1:0");
  server.loop(0).watch(to.fd(), Interest::write,
                       [](Interest) { throw std::runtime_error("mine"); });
  server.run();
}

}  // namespace
}  // namespace evio::test
