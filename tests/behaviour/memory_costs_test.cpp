// Limits bound the memory of the process, not only the bytes that it carries, however small the
// pieces are.
#include <sys/resource.h>

#include <atomic>
#include <fstream>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class MemoryCosts : public Behaviour {
 protected:
  static constexpr std::size_t bound = 16 * mib;

  // Runs `body` in a child process, so that its memory can be measured.
  template <class Body>
  void measure(Body&& body) {
    if (sanitized) GTEST_SKIP() << "a sanitizer's memory is no measure";
    in_child_process([&] { body(); });
  }
  static void expect_grown_little(std::size_t before, std::size_t most = 2 * bound) {
    const std::size_t now = resident_bytes();
    EXPECT_LE(now - std::min(now, before), most);
  }
};
EVIO_ON_EVERY_BACKEND(MemoryCosts);

// Writes to one connection until it closes; the process may not have grown by more than the bound.
template <class Write>
Events given_until_it_closes(EventLog& log, Write&& write) {
  return {.limits = {.output_max = 16 * mib, .memory_max = 16 * mib},
          .options = {.send_buffer = 8192},
          .opened =
              [write](Conn& c) {
                const std::size_t before = resident_bytes();
                for (std::size_t i = 0; i < 17 * mib && c.is_open(); ++i) write(c);
                EXPECT_FALSE(c.is_open());
                const std::size_t now = resident_bytes();
                EXPECT_LE(now - std::min(now, before), 32 * mib);
              },
          .closed = [&](Conn&, std::error_code error) { log.add(error.message()); }};
}

TEST_P(MemoryCosts, AreBoundedForSharedBytesOfOneByte) {
  measure([&] {
    EventLog log;
    const SharedBytes one(std::string("b"));
    TestServer server = serve(given_until_it_closes(log, [one](Conn& c) { c.write(one); }));
    const Client client = server.connect(tiny);
    EXPECT_TRUE(log.wait_for(make_error_code(Errc::output_overflow).message()));
  });
}

TEST_P(MemoryCosts, AreBoundedForWritesOfOneByte) {
  measure([&] {
    EventLog log;
    TestServer server = serve(given_until_it_closes(log, [](Conn& c) { c.write("b"); }));
    const Client client = server.connect(tiny);
    EXPECT_TRUE(log.wait_for(make_error_code(Errc::output_overflow).message()));
  });
}

TEST_P(MemoryCosts, AreBoundedForSendsWithCallbacks) {
  measure([&] {
    EventLog log;
    HandleSlot handle;
    TestServer server =
        serve({.limits = {.output_max = bound},
               .options = {.send_buffer = 8192},
               .opened = [&](Conn& c) { handle.put(c); },
               .closed = [&](Conn&, std::error_code error) { log.add(error.message()); }});
    const Client client = server.connect(tiny);
    const Handle name = handle.get();
    const std::size_t before = resident_bytes();
    name.send(std::string(8 * mib, 'b'));  // the peer does not read
    const SharedBytes one(std::string("b"));
    while (name.send(one, [](std::error_code) {})) {
    }
    expect_grown_little(before, 4 * bound);  // queued, with callbacks that have not run
    EXPECT_TRUE(log.wait_for(make_error_code(Errc::output_overflow).message()));
  });
}

// Keeps a loop in a handler while `body` runs.
template <class Body>
void while_busy(const Handle& handle, Body&& body) {
  struct Gates {
    Gate begun, over;
  };
  const auto gates = std::make_shared<Gates>();
  handle.post([gates](Conn&) {
    gates->begun.open();
    EXPECT_TRUE(gates->over.wait());
  });
  ASSERT_TRUE(gates->begun.wait());
  body();
  gates->over.open();
}

TEST_P(MemoryCosts, AreBoundedForSendsOfOneByteToABusyLoop) {
  measure([&] {
    HandleSlot handle;
    TestServer server =
        serve({.limits = {.memory_max = bound}, .opened = [&](Conn& c) { handle.put(c); }});
    Client client = server.connect();
    const Handle name = handle.get();
    constexpr std::size_t count = 4 * mib;
    const std::size_t before = resident_bytes();
    while_busy(name, [&] {
      for (std::size_t i = 0; i < count; ++i)
        name.send(std::string_view("abcdefg").substr(i % 7, 1));
      EXPECT_EQ(name.pending_output(), count);
      EXPECT_GE(server->stats().memory, count);
      expect_grown_little(before);
    });
    std::string expected;
    while (expected.size() < count) expected += "abcdefg";
    expected.resize(count);
    EXPECT_TRUE(same_bytes(client.receive(count), expected));
    EXPECT_TRUE(eventually([&] { return server->stats().memory == 0; }));
  });
}

TEST_P(MemoryCosts, AreBoundedForWakesOfABusyLoop) {
  measure([&] {
    HandleSlot handle;
    std::atomic<int> woken = 0;
    TestServer server =
        serve({.opened = [&](Conn& c) { handle.put(c); }, .data = [&](Conn&, Input&) { ++woken; }});
    const Client client = server.connect();
    const Handle name = handle.get();
    const std::size_t before = resident_bytes();
    while_busy(name, [&] {
      for (int i = 0; i < 1'100'000; ++i) name.wake();
      expect_grown_little(before, 1 * mib);
    });
    EXPECT_TRUE(eventually([&] { return woken > 0; }));
    EXPECT_LE(woken, 2);
  });
}

// Whether wakes are merged or not, sends before a wake have taken effect when it runs.
TEST_P(MemoryCosts, AWakeRunsAfterEarlierPosts) {
  HandleSlot handle;
  int posted = 0;  // used by the loop only
  std::atomic<int> seen = 0;
  TestServer server = serve(
      {.opened = [&](Conn& c) { handle.put(c); }, .data = [&](Conn&, Input&) { seen = posted; }});
  const Client client = server.connect();
  const Handle name = handle.get();
  constexpr int rounds = 1000;
  while_busy(name, [&] {
    for (int i = 0; i < rounds; ++i) {
      name.wake();
      name.wake();
      name.post([&](Conn&) { ++posted; });
    }
    name.wake();
  });
  EXPECT_TRUE(eventually([&] { return seen == rounds; }));
}

TEST_P(MemoryCosts, AreBoundedForIncompleteFrames) {
  measure([&] {
    TestServer server = serve({.limits = {.input_max = 2 * mib, .memory_max = bound},
                               .codec = codec::LengthPrefixed(4),
                               .data = [] {}});
    const std::size_t before = resident_bytes();
    std::vector<Client> clients;
    for (int i = 0; i < 40; ++i) clients.push_back(server.connect());
    const std::string half = std::string("\0\x10\0\0", 4) + std::string(1 * mib - 1, 'h');
    std::vector<std::size_t> sent(clients.size());
    for (int round = 0; round < 60; ++round) {
      for (std::size_t i = 0; i < clients.size(); ++i)
        sent[i] += clients[i].send_some(std::string_view(half).substr(sent[i], 64 * kib));
      std::this_thread::sleep_for(2ms);
    }
    EXPECT_GE(server->stats().memory_pauses, 1U);
    expect_grown_little(before);
  });
}

TEST_P(MemoryCosts, AreBoundedForThousandsOfPeersThatReadNothing) {
  if (backend() == Backend::poll) GTEST_SKIP() << "made for small numbers";
  measure([&] {
    constexpr std::size_t peers = 3000;
    if (!limit_descriptors(2 * peers + 200)) return;  // this machine allows too few descriptors
    TestServer server = serve({.limits = {.memory_max = bound},
                               .options = {.receive_buffer = 16384, .send_buffer = 4096},
                               .data = [](Conn& c, Input& in) { c.write(in.take()); }});
    const std::size_t before = resident_bytes();
    std::vector<Client> clients;
    for (std::size_t i = 0; i < peers; ++i) clients.push_back(server.connect(tiny));
    const std::string piece(20'000, 'p');
    for (int round = 0; round < 8; ++round)
      for (Client& client : clients) client.send_some(piece);
    EXPECT_TRUE(eventually([&] { return server->stats().memory_pauses > 0; }));
    expect_grown_little(before);
  });
}

// A protocol reports the memory that it holds: incomplete messages are bounded by
// Limits::memory_max, too, and are freed when the peer leaves.
TEST_P(MemoryCosts, IncludeMemoryThatAProtocolHolds) {
  struct Kept {
    std::string bytes;
  };
  TestServer server = serve({.limits = {.memory_max = 1 * mib}, .data = [](Conn& c, Input& in) {
                               if (!c.context<Kept>()) c.emplace_context<Kept>();
                               std::string& bytes = c.context<Kept>()->bytes;
                               bytes += in.take();
                               c.set_held(bytes.capacity());
                             }});
  {
    std::vector<Client> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(server.connect({.send = 16384}));
    const std::string piece(16 * kib, 'p');
    for (int round = 0; round < 100; ++round) {
      for (Client& client : clients) client.send_some(piece);
      std::this_thread::sleep_for(1ms);
    }
    const Stats stats = server->stats();
    EXPECT_GE(stats.memory_pauses, 1U);
    EXPECT_LE(stats.memory, 4 * mib);
    EXPECT_GE(stats.input_held, 1 * mib);
    for (Client& client : clients) client.reset();
  }
  EXPECT_TRUE(eventually([&] { return server->stats().memory == 0; }));
}

// ---- Memory that cannot be had

// Runs in a process whose memory may not grow by more than `room`.
template <class Body>
void within(std::size_t room, Body&& body) {
  in_child_process([&] {
    body([room] {
      std::size_t pages = 0;
      std::ifstream("/proc/self/statm") >> pages;
      const rlimit little{pages * 4096 + room, pages * 4096 + room};
      ASSERT_EQ(::setrlimit(RLIMIT_AS, &little), 0);
    });
  });
}

TEST_P(MemoryCosts, InputThatCannotBeStoredClosesOnlyItsConnection) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's memory is no measure";
  within(64 * mib, [&](const auto& limit) {
    EventLog log;
    TestServer server =
        serve({.limits = {.input_max = std::size_t{2} << 30},
               .data =
                   [](Conn& c, Input& in) {
                     if (in.view().starts_with('e')) c.write(in.take());
                   },
               .closed = [&](Conn&, std::error_code error) { log.add(error.message()); }});
    Client other = server.connect();
    EXPECT_EQ(echo_through(other, "echo"), "echo");
    Client client = server.connect();
    limit();
    const std::string piece(256 * kib, 'x');
    try {
      for (int i = 0; i < 1000; ++i) client.send(piece);
    } catch (const std::system_error&) {  // the server has closed the connection
    }
    EXPECT_TRUE(log.wait_for(std::make_error_code(std::errc::not_enough_memory).message()));
    EXPECT_EQ(echo_through(other, "echo"), "echo");
    Client next = server.connect();
    EXPECT_EQ(echo_through(next, "echo"), "echo");
  });
}

TEST_P(MemoryCosts, OutputThatCannotBeStoredClosesOnlyItsConnection) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's memory is no measure";
  within(64 * mib, [&](const auto& limit) {
    EventLog log;
    TestServer server =
        serve({.limits = {.output_high = std::size_t{2} << 30, .output_max = std::size_t{2} << 30},
               .options = {.send_buffer = 8192},
               .data =
                   [](Conn& c, Input& in) {
                     if (in.view() == "echo") c.write(in.take());
                     if (in.take().empty()) return;
                     const std::string much(1 * mib, 'x');
                     for (int i = 0; i < 1000; ++i) c.write(much);
                   },
               .closed = [&](Conn&, std::error_code error) { log.add(error.message()); }});
    Client other = server.connect();
    EXPECT_EQ(echo_through(other, "echo"), "echo");
    Client client = server.connect(tiny);
    limit();
    client.send("more than can be had");
    EXPECT_TRUE(eventually([&] { return log.size() == 1; }));
    EXPECT_NE(log.events().at(0), std::error_code().message());
    EXPECT_EQ(echo_through(other, "echo"), "echo");
  });
}

}  // namespace
}  // namespace evio::test
