// Requests that are half sent are bounded by Limits::memory_max, as the process is measured.
#include <gtest/gtest.h>

#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <string>
#include <vector>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

class HttpMemory : public Behaviour {};
EVIO_ON_EVERY_BACKEND(HttpMemory);

TEST_P(HttpMemory, IsBoundedForIncompleteBodies) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's memory is no measure";
  in_child_process([&] {
    constexpr std::size_t bound = 16 * mib, clients_count = 60, size = 1 * mib;
    http::Router router;
    router.post("/", [](http::Request& request, http::Response& response) {
      response.text(std::to_string(request.body().size()));
    });
    Events events = http::server(std::move(router), {.body_max = 2 * mib});
    events.limits.memory_max = bound;
    TestServer server = serve(std::move(events));
    const std::size_t before = resident_bytes();
    {
      std::vector<Client> clients;
      for (std::size_t i = 0; i < clients_count; ++i)
        clients.push_back(server.connect({.send = 65536}));
      const std::string half =
          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
          std::string(size - 1, 'h');
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
    Client next = server.connect();
    next.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_TRUE(next.receive(15).starts_with("HTTP/1.1 200 OK"));
  });
}

}  // namespace
}  // namespace evio::test
