// Messages that are half sent are bounded by Limits::memory_max, as the process is measured.
#include <gtest/gtest.h>

#include <evio/evio.hpp>
#include <evio/websocket.hpp>
#include <string>
#include <vector>

#include "support/behaviour.hpp"
#include "wire.hpp"

namespace evio::test { namespace {

class WebSocketMemory : public Behaviour {};
EVIO_ON_EVERY_BACKEND(WebSocketMemory);

TEST_P(WebSocketMemory, IsBoundedForIncompleteMessages) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's memory is no measure";
  in_child_process([&] {
    constexpr std::size_t bound = 16 * mib, clients_count = 60, size = 1 * mib;
    Events events = websocket::server({.message = [] {}}, {.message_max = 2 * mib});
    events.limits.memory_max = bound;
    TestServer server = serve(std::move(events));
    const std::size_t before = resident_bytes();
    {
      std::vector<Client> clients;
      for (std::size_t i = 0; i < clients_count; ++i)
        clients.push_back(server.connect({.send = 65536}));
      std::string half =
          std::string(handshake) + "\r\n" + frame(fin | binary, std::string(size, 'h'));
      half.pop_back();
      std::vector<std::size_t> sent(clients.size());
      for (int round = 0; round < 100; ++round) {
        for (std::size_t i = 0; i < clients.size(); ++i)
          sent[i] += clients[i].send_some(std::string_view(half).substr(sent[i], 32 * kib));
        std::this_thread::sleep_for(2ms);
      }
      EXPECT_GE(server->stats().memory_pauses, 1U);
      const std::size_t now = resident_bytes();
      EXPECT_LE(now - std::min(now, before), 2 * bound);
      for (Client& client : clients) client.reset();
    }
    EXPECT_TRUE(eventually([&] { return server->stats().memory == 0; })) << server->stats().memory;
  });
}

}  // namespace
}  // namespace evio::test
