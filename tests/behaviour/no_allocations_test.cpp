// After a warm-up no message causes an allocation, whichever way it is sent.
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "support/behaviour.hpp"
#include "support/handle_slot.hpp"

#if defined(__GLIBC__) && !EVIO_TEST_SANITIZED

// Replaces the C library's allocator, which everything else uses, and counts.
namespace {
std::atomic<bool> counting{false};
std::atomic<std::size_t> allocations{0};
thread_local bool exempt = false;  // set on the test's own thread

void count_one() {
  if (counting.load(std::memory_order_relaxed) && !exempt) ++allocations;
}
}  // namespace

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) noexcept {
  count_one();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  count_one();
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  count_one();
  return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  count_one();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  count_one();
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
}

namespace evio::test { namespace {

class NoAllocations : public Behaviour {};
EVIO_ON_EVERY_BACKEND(NoAllocations);

// How many allocations the server makes while `traffic` runs on this thread after a warm-up. The
// number of events in one batch is random, and so is the time at which the loop's lists reach their
// final size: the server is warm when a round made no allocation, if it ever does.
template <class Traffic>
std::size_t made_by(Traffic&& traffic) {
  constexpr int rounds = 6;
  exempt = true;
  traffic();
  std::size_t made = 1;
  for (int round = 0; round < rounds && made > 0; ++round) {
    allocations = 0;
    counting = true;
    traffic();
    counting = false;
    made = allocations;
  }
  exempt = false;
  return made;
}

void exchange(std::vector<Client>& clients, std::size_t size, int times) {
  const std::string message(size, 'm');
  for (int i = 0; i < times; ++i) {
    for (Client& client : clients) client.send(message);
    for (Client& client : clients) client.receive(size);
  }
}

std::vector<Client> connect_many(TestServer& server, int count) {
  std::vector<Client> clients;
  for (int i = 0; i < count; ++i) clients.push_back(server.connect());
  return clients;
}

TEST_P(NoAllocations, TheCounterCounts) {
  TestServer server = serve({});
  EXPECT_GE(made_by([&] { server.on_loop(0, [] { std::free(std::malloc(1)); }); }), 1U);
}

TEST_P(NoAllocations, ForAnEchoOfAnySize) {
  for (const std::size_t size : {std::size_t{10}, 4 * kib, 60 * kib}) {
    TestServer server = serve(echo());
    auto clients = connect_many(server, 8);
    EXPECT_EQ(made_by([&] { exchange(clients, size, 100); }), 0U) << size;
  }
}

TEST_P(NoAllocations, ForRepliesThatAreCopied) {
  TestServer server = serve({.data = [](Conn& c, Input& in) {
    char reply[1000];
    std::fill(std::begin(reply), std::end(reply), 'r');
    c.write({std::string_view(reply, in.size() / 2),
             std::string_view(reply, in.size() - in.size() / 2)});
    in.take();
  }});
  auto clients = connect_many(server, 8);
  EXPECT_EQ(made_by([&] { exchange(clients, 500, 100); }), 0U);
}

TEST_P(NoAllocations, ForPipelinedRequests) {
  TestServer server = serve({.data = [](Conn& c, Input& in) {
    while (in.size() >= 10) c.write(in.take(10));
  }});
  auto clients = connect_many(server, 4);
  EXPECT_EQ(made_by([&] { exchange(clients, 5000, 100); }), 0U);
}

TEST_P(NoAllocations, ForWakesAndTimersThatRestart) {
  TestServer server =
      serve({.opened = [](Conn& c) { c.emplace_context<Timer>(c.run_after(1h, [](Conn&) {})); },
             .data =
                 [](Conn& c, Input& in) {
                   c.context<Timer>()->restart(1h);
                   c.write(in.take());
                 }});
  auto clients = connect_many(server, 4);
  EXPECT_EQ(made_by([&] { exchange(clients, 100, 100); }), 0U);
}

TEST_P(NoAllocations, ForSendsAndPostsOfOtherThreads) {
  HandleSlot handle;
  TestServer server = serve({.opened = [&](Conn& c) { handle.put(c); }});
  Client client = server.connect();
  const Handle peer = handle.get();
  const std::string text(70, 't');
  const SharedBytes shared(std::string(1000, 's'));
  EXPECT_EQ(made_by([&] {
              exempt = false;
              for (int i = 0; i < 20; ++i) {
                peer.send(text);
                peer.send(shared);
                peer.post([](Conn& c) { c.write("posted"); });
                peer.wake();
                server->loop(0).post([] {});
              }
              exempt = true;
              client.receive(20 * (text.size() + shared.size() + 6));
            }),
            0U);
}

TEST_P(NoAllocations, ForDatagrams) {
  TestServer server = serve(echo(), "udp://127.0.0.1:0");
  UdpClient client = UdpClient::udp4();
  EXPECT_EQ(made_by([&] {
              for (int i = 0; i < 100; ++i) {
                client.send_to(server.port(), "datagram");
                client.receive();
              }
            }),
            0U);
}

}  // namespace
}  // namespace evio::test

#endif
