// Peers that do not read, or send without end, use bounded memory: reading pauses, limits close
// connections, others are served.
#include <atomic>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class BoundedMemory : public Behaviour {};
EVIO_ON_EVERY_BACKEND(BoundedMemory);

std::string as_text(std::error_code error) {
  return error ? "closed: " + error.message() : "closed";
}

// Sends until the socket stays full for a while.
std::size_t send_until_stalled(std::vector<Client>& clients, std::size_t most_each) {
  const std::string chunk = pattern(64 * kib);
  std::vector<std::size_t> sent(clients.size());
  std::size_t total = 0;
  for (int idle_rounds = 0; idle_rounds < 20;) {
    std::size_t now = 0;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (sent[i] >= most_each) continue;
      const std::size_t n = clients[i].send_some(chunk);
      sent[i] += n;
      now += n;
    }
    total += now;
    if (now > 0) {
      idle_rounds = 0;
    } else {
      ++idle_rounds;
      std::this_thread::sleep_for(2ms);
    }
  }
  return total;
}

TEST_P(BoundedMemory, HoldsForAnEchoServerWhosePeersNeverRead) {
  TestServer server = serve({.options = {.receive_buffer = 16384, .send_buffer = 16384},
                             .data = [](Conn& c, Input& in) { c.write(in.take()); }});
  std::vector<Client> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(server.connect(tiny));
  const std::size_t before = resident_bytes();
  // Far more than the server may hold.
  const std::size_t sent = send_until_stalled(clients, 4 * mib);
  EXPECT_LT(sent, 60 * 2 * mib) << "reading must pause";
  const std::size_t each = Limits{}.output_high + 256 * kib;
  EXPECT_LE(server->stats().memory, 60 * each);
  if (!sanitized) {
    EXPECT_LE(resident_bytes() - before, 60 * each + 8 * mib);
  }
  Client next = server.connect();
  const std::string bytes = pattern(256 * kib);
  next.send(bytes);
  EXPECT_TRUE(same_bytes(next.receive(bytes.size()), bytes)) << "the next peer is served";
}

TEST_P(BoundedMemory, HoldsForTheServerByMemoryMax) {
  constexpr std::size_t cap = 1 * mib;
  TestServer server = serve({.limits = {.memory_max = cap},
                             .options = {.receive_buffer = 16384, .send_buffer = 16384},
                             .data = [](Conn& c, Input& in) { c.write(in.take()); }});
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(server.connect({.receive = 16384, .send = 4096}));
  send_until_stalled(clients, 1 * mib);
  const Stats stats = server->stats();
  EXPECT_GE(stats.memory_pauses, 1U);
  // One batch of each loop may be added: what had been read when the limit was reached.
  EXPECT_LE(stats.memory, cap + static_cast<std::size_t>(loops()) * 1 * mib);
  // Once the peers read, every echo arrives and the server reads again.
  std::vector<Background> readers;
  for (Client& client : clients)
    readers.emplace_back([&client] {
      client.shutdown_write();
      EXPECT_EQ(client.receive_rest().error, 0);
    });
  readers.clear();
  clients.clear();
  ASSERT_TRUE(eventually([&] { return server->stats().memory == 0; }));
  Client next = server.connect();
  EXPECT_EQ(echo_through(next, "as ever"), "as ever");
}

// The server does not notice the end of a peer that sent half a request while reading is paused,
// but that peer does not block the server for ever.
TEST_P(BoundedMemory, AnIdleTimeoutFreesIncompleteInput) {
  TestServer server = serve({.limits = {.memory_max = 256 * kib},
                             .options = {.idle_timeout = 300ms, .receive_buffer = 16384},
                             .data = [](Conn& c, Input& in) {
                               if (in.view().back() == '.') c.write(in.take());
                             }});
  {
    std::vector<Client> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(server.connect());
    send_until_stalled(clients, 64 * kib);
    EXPECT_GE(server->stats().memory_pauses, 1U);
  }
  Client next = server.connect();
  EXPECT_EQ(echo_through(next, "whole."), "whole.");
}

TEST_P(BoundedMemory, MemoryMaxLosesNoByte) {
  TestServer server = serve({.limits = {.memory_max = 256 * kib},
                             .data = [](Conn& c, Input& in) { c.write(in.take()); }});
  std::vector<Background> peers;
  for (unsigned i = 0; i < 6; ++i)
    peers.emplace_back([&server, i] {
      const std::string bytes = pattern(2 * mib, i);
      Client client = server.connect({.receive = 16384});
      Background sends([&] {
        client.send(bytes);
        client.shutdown_write();
      });
      EXPECT_TRUE(same_bytes(client.receive_rest().bytes, bytes));
    });
}

TEST_P(BoundedMemory, DrainedRunsExactlyOncePerCongestion) {
  EventLog log;
  TestServer server = serve({.limits = {.output_high = 64 * kib, .output_low = 16 * kib},
                             .options = {.send_buffer = 8192},
                             .data =
                                 [&](Conn& c, Input& in) {
                                   in.take();
                                   int refusals = 0;
                                   for (int i = 0; i < 100; ++i)
                                     refusals += c.write(pattern(10 * kib)) ? 0 : 1;
                                   EXPECT_GT(refusals, 50);
                                   log.add("congested");
                                 },
                             .drained =
                                 [&](Conn& c) {
                                   EXPECT_LT(c.pending_output(), 16 * kib);
                                   log.add("drained");
                                 }});
  Client client = server.connect(tiny);
  for (int i = 0; i < 3; ++i) {
    client.send("x");
    for (int part = 0; part < 100; ++part)
      ASSERT_TRUE(same_bytes(client.receive(10 * kib), pattern(10 * kib)));
    ASSERT_TRUE(log.wait_for("drained", static_cast<std::size_t>(i) + 1));
  }
  server.stop();
  EXPECT_EQ(log.events(), (std::vector<std::string>{"congested", "drained", "congested", "drained",
                                                    "congested", "drained"}));
}

TEST_P(BoundedMemory, DrainedLetsAProducerContinueForEver) {
  constexpr std::size_t size = 8 * mib;
  struct Producer {
    std::size_t produced = 0;
  };
  const auto produce = [](Conn& c) {
    auto& produced = c.context<Producer>()->produced;
    while (produced < size) {
      const bool more = static_cast<bool>(c.write(pattern(16 * kib)));
      produced += 16 * kib;
      if (!more) return;
    }
    c.close();
  };
  TestServer server = serve({.limits = {.output_high = 64 * kib, .output_low = 16 * kib},
                             .opened =
                                 [&](Conn& c) {
                                   c.emplace_context<Producer>();
                                   produce(c);
                                 },
                             .drained = produce});
  Client client = server.connect({.receive = 65536});
  EXPECT_EQ(client.receive_rest().bytes.size(), size);
}

TEST_P(BoundedMemory, OutputBeyondOutputMaxClosesWithoutAGap) {
  EventLog log;
  TestServer server =
      serve({.limits = {.output_high = 64 * kib,
                        .output_low = 16 * kib,
                        .output_max = 1 * mib,
                        .linger_timeout = 50ms},
             .options = {.send_buffer = 8192},
             .data =
                 [&](Conn& c, Input& in) {
                   in.take();
                   const std::string bytes = pattern(4 * mib);
                   for (std::size_t at = 0; at < bytes.size(); at += 64 * kib)
                     c.write(std::string_view(bytes).substr(at, 64 * kib));
                   EXPECT_FALSE(c.is_open());
                   EXPECT_FALSE(c.write("dropped from now on"));
                 },
             .closed = [&](Conn&, std::error_code error) { log.add(as_text(error)); }});
  Client client = server.connect(tiny);
  client.send("x");
  const auto rest = client.receive_rest();
  EXPECT_TRUE(is_prefix(rest.bytes, pattern(4 * mib)));
  EXPECT_LE(rest.bytes.size(), 1 * mib + 64 * kib);
  client.close();
  EXPECT_TRUE(log.wait_for(as_text(Errc::output_overflow)));
}

TEST_P(BoundedMemory, SendsOfAnotherThreadBeyondOutputMaxClose) {
  EventLog log;
  HandleSlot handle;
  TestServer server =
      serve({.limits = {.output_high = 64 * kib,
                        .output_low = 16 * kib,
                        .output_max = 1 * mib,
                        .linger_timeout = 50ms},
             .options = {.send_buffer = 8192},
             .opened = [&](Conn& c) { handle.put(c); },
             .closed = [&](Conn&, std::error_code error) { log.add(as_text(error)); }});
  Client client = server.connect(tiny);
  const Handle name = *handle;
  const std::string bytes = pattern(8 * mib);
  for (std::size_t at = 0; at < bytes.size(); at += 64 * kib) {
    name.send(std::string_view(bytes).substr(at, 64 * kib));
    EXPECT_LE(name.pending_output(), 1 * mib + 64 * kib) << "bytes on their way count too";
  }
  const auto rest = client.receive_rest();
  EXPECT_TRUE(is_prefix(rest.bytes, bytes));
  client.close();
  EXPECT_TRUE(log.wait_for(as_text(Errc::output_overflow)));
}

TEST_P(BoundedMemory, UnconsumedInputBeyondInputMaxClosesTheConnection) {
  EventLog log;
  TestServer server =
      serve({.limits = {.input_max = 64 * kib, .linger_timeout = 50ms},
             .data = [](Conn&, Input& in) { EXPECT_LE(in.size(), 64 * kib + 256 * kib); },
             .closed = [&](Conn&, std::error_code error) { log.add(as_text(error)); }});
  Client client = server.connect();
  try {
    client.send(pattern(4 * mib));
  } catch (const std::system_error&) {  // the server has closed the connection
  }
  EXPECT_TRUE(log.wait_for(as_text(Errc::input_overflow)));
}

TEST_P(BoundedMemory, InputUpToInputMaxIsStored) {
  constexpr std::size_t limit = 64 * kib;
  TestServer server = serve({.limits = {.input_max = limit}, .data = [](Conn& c, Input& in) {
                               if (in.size() == limit) c.write(in.take());
                             }});
  Client client = server.connect();
  const std::string bytes = pattern(limit);
  EXPECT_TRUE(same_bytes(echo_through(client, bytes), bytes));
}

TEST_P(BoundedMemory, APausedConnectionDoesNotStoreInput) {
  EventLog log;
  HandleSlot handle;
  TestServer server =
      serve({.options = {.receive_buffer = 16384},
             .data =
                 [&](Conn& c, Input& in) {
                   handle.put(c);
                   c.pause();
                   c.write(in.take());
                 },
             .closed = [&](Conn&, std::error_code error) { log.add(as_text(error)); }});
  std::vector<Client> clients;
  clients.push_back(server.connect({.send = 16384}));
  const std::size_t sent = send_until_stalled(clients, 64 * mib);
  EXPECT_LT(sent, 8 * mib);
  EXPECT_LE(server->stats().memory, 1 * mib + 256 * kib);
  EXPECT_EQ(log.size(), 0U);
  for (std::size_t received = 0; received < sent;) {
    handle.get().post([](Conn& c) { c.resume(); });
    if (!clients[0].silent()) received += clients[0].receive_some().size();
  }
}

TEST_P(BoundedMemory, NoMemoryIsHeldAfterAllConnectionsClosed) {
  TestServer server = serve({.data = [](Conn& c, Input& in) { c.write(in.take(in.size() / 2)); }});
  {
    std::vector<Client> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(server.connect());
      clients.back().send(pattern(100 * kib));
    }
    ASSERT_TRUE(eventually([&] { return server->stats().memory > 0; }));
  }
  EXPECT_TRUE(eventually([&] { return server->stats().memory == 0; }));
}

}  // namespace
}  // namespace evio::test
