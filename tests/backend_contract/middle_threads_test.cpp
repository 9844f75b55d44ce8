// The middle on the asynchronous double with real threads: they send, post and wake while output is
// pending.
#include <gtest/gtest.h>

#include <deque>
#include <mutex>

#include "asynchronous_driver.hpp"
#include "server.hpp"
#include "support/background.hpp"
#include "support/bytes.hpp"
#include "support/client.hpp"
#include "support/handle_slot.hpp"
#include "support/process.hpp"

namespace evio::test {

using namespace detail;
namespace {

constexpr int loops = 2;
constexpr int clients = 6;

// Runs a server on the double until the object is destroyed.
class Running {
 public:
  explicit Running(Events events)
      : server_(ServerAccess::make(make_asynchronous_platform(1), two_loops(std::move(events)),
                                   {"tcp://127.0.0.1:0"})),
        running_([this] { server_.run(); }) {}
  Running(const Running&) = delete;
  ~Running() { server_.shutdown(); }

  Server* operator->() { return &server_; }
  Client connect() { return Client::to(server_.addresses()[0], tiny); }

 private:
  static Events two_loops(Events events) {
    events.loops = loops;
    events.options.send_buffer = 4096;
    return events;
  }

  Server server_;
  Background running_;
};

// The handles of connections, as their handlers pass them out.
class Names {
 public:
  void put(Conn& c) {
    const std::lock_guard lock(mutex_);
    handles_.push_back(c.handle());
  }
  Handle take() {
    Handle taken;
    if (!eventually([&] {
          const std::lock_guard lock(mutex_);
          if (handles_.empty()) return false;
          taken = handles_.front();
          handles_.pop_front();
          return true;
        }))
      throw std::runtime_error("no connection was opened");
    return taken;
  }

 private:
  std::mutex mutex_;
  std::deque<Handle> handles_;
};

TEST(MiddleThreads, SendsOfThreadsArriveWholeAndInOrder) {
  Names names;
  Running server(
      {.opened = [&](Conn& c) { names.put(c); }, .data = [](Conn&, Input& in) { in.take(); }});
  std::vector<Background> all;
  for (unsigned i = 0; i < clients; ++i) {
    all.emplace_back([&] {
      const Handle handle = names.take();
      for (unsigned part = 0; part < 100; ++part) {
        const std::string bytes = pattern(1000, part);
        if (part % 3 == 0)
          EXPECT_TRUE(handle.post([bytes](Conn& c) { c.write(bytes); }));
        else
          EXPECT_TRUE(handle.send(bytes));
        if (part % 5 == 0) handle.wake();
      }
      handle.close();
    });
    all.emplace_back([&] {
      std::string expected;
      for (unsigned part = 0; part < 100; ++part) expected += pattern(1000, part);
      EXPECT_TRUE(same_bytes(server.connect().receive_rest().bytes, expected));
    });
  }
}

TEST(MiddleThreads, EchoWorksDuringManyWakesAndPosts) {
  Names names;
  Running server({.opened = [&](Conn& c) { names.put(c); },
                  .data = [](Conn& c, Input& in) { c.write(in.take(700)); }});
  std::vector<Background> all;
  for (unsigned i = 0; i < clients; ++i) {
    all.emplace_back([&] {
      const Handle handle = names.take();
      while (handle.post([](Conn& c) {
        c.pause();
        c.resume();
      })) {
        handle.wake();
        std::this_thread::yield();
      }
    });
    all.emplace_back([&server, i] {
      Client client = server.connect();
      for (unsigned round = 0; round < 10; ++round) {
        const std::string bytes = pattern(3000, i * 100 + round);
        client.send(bytes);
        EXPECT_TRUE(same_bytes(client.receive(bytes.size()), bytes));
      }
    });
  }
}

TEST(MiddleThreads, ShutdownDuringSendsClosesEverything) {
  for (int round = 0; round < 5; ++round) {
    Names names;
    std::atomic<int> open = 0;
    std::vector<Background> all;
    {
      Running server({.limits = {.drain_timeout = 50ms, .linger_timeout = 50ms},
                      .opened =
                          [&](Conn& c) {
                            ++open;
                            names.put(c);
                          },
                      .data = [](Conn& c, Input& in) { c.write(in.take()); },
                      .closed = [&] { --open; }});
      for (int i = 0; i < clients; ++i) {
        all.emplace_back([&server] {
          Client client = server.connect();
          EXPECT_TRUE(eventually([&] {
            try {
              client.send_some("more");
              return client.receive_some(100).empty();
            } catch (const std::system_error&) {
              return true;
            }
          }));
        });
      }
      for (int i = 0; i < clients; ++i) {
        all.emplace_back([handle = names.take()] {
          while (handle.send(pattern(1000))) std::this_thread::yield();
        });
      }
    }
    all.clear();
    EXPECT_EQ(open, 0);
  }
}

}  // namespace
}  // namespace evio::test
