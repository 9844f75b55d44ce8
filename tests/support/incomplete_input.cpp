#include "incomplete_input.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "process.hpp"
#include "waiting.hpp"

namespace evio::test {

void expect_bounded_memory(TestServer& server, std::string_view message) {
  constexpr std::size_t clients_count = 60;
  const std::string_view incomplete = message.substr(0, message.size() - 1);
  const std::size_t before = resident_bytes();
  {
    std::vector<Client> clients;
    for (std::size_t i = 0; i < clients_count; ++i)
      clients.push_back(server.connect({.send = 65536}));
    std::vector<std::size_t> sent(clients.size());
    for (int round = 0; round < 100; ++round) {
      for (std::size_t i = 0; i < clients.size(); ++i)
        sent[i] += clients[i].send_some(incomplete.substr(sent[i], 32 * kib));
      std::this_thread::sleep_for(2ms);
    }
    EXPECT_GE(server->stats().memory_pauses, 1U);
    const std::size_t now = resident_bytes();
    EXPECT_LE(now - std::min(now, before), 2 * incomplete_input_max);
    for (Client& client : clients) client.reset();
  }
  EXPECT_TRUE(eventually([&] { return server->stats().memory == 0; })) << server->stats().memory;
}

}  // namespace evio::test
