// No client is closed because its server, or this process, was late to read its bytes.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "support/behaviour.hpp"
#include "world.hpp"

namespace evio::test { namespace {

using namespace sim;

// Sends another request, in two parts, a while after each reply.
struct Asker {
  Asker(Simulation& of, Peer& with) : sim(of), peer(with) {
    peer.when_changed([this](Peer&) {
      if (!peer.received().ends_with("hello")) return;
      peer.forget_received();
      ++answers;
      ask();
    });
    ask();
  }
  void ask() {
    sim.run_after(600ms, [this] { peer.send("GET / HTTP/1.1\r\n"); });
    sim.run_after(1200ms, [this] { peer.send("Host: x\r\n\r\n"); });
  }

  Simulation& sim;
  Peer& peer;
  int answers = 0;
};

TEST(HttpDeadlines, AStalledServerClosesNoConnectionWithInput) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::deque<Asker> askers;
    Simulation sim(
        seed, {.late_send = 0.2, .late_event = 0.3, .process_stop = 0.01, .slow_handler = 0.1});
    Router router;
    router.get("/", [](Request&, Response& response) { response.text("hello"); });
    http::Settings limits = settings();
    limits.header_timeout = limits.idle_timeout = limits.send_timeout = 1s;
    sim.serve(http::server(std::move(router), std::move(limits)), "tcp://:80");
    for (int i = 0; i < 5; ++i) askers.emplace_back(sim, sim.connect("tcp://:80"));
    sim.run_for(60s);
    for (const Asker& asker : askers) {
      ASSERT_FALSE(asker.peer.ended()) << "seed " << seed;
      ASSERT_FALSE(asker.peer.broken()) << "seed " << seed;
      ASSERT_EQ(asker.peer.received(), "") << "seed " << seed;
      ASSERT_GT(asker.answers, 5) << "seed " << seed;
    }
  }
}

TEST(HttpDeadlines, AcceptTheLongestDuration) {
  Router router;
  router.post("/", [](Request& request, Response& response) { response.text(request.body()); });
  http::Settings never = settings();
  never.header_timeout = never.body_timeout = never.send_timeout = never.idle_timeout =
      Duration::max();
  World world(std::move(router), std::move(never));
  EXPECT_EQ(body_of(world.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nh")),
            "no header");
  EXPECT_EQ(body_of(world.ask("i")), "hi");
  world.sim.run_for(24h * 365);
  EXPECT_FALSE(world.peer->ended());
}

class HttpClientDeadlines : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(HttpClientDeadlines, 1);

TEST_P(HttpClientDeadlines, AReplyThatArrivedDuringAStallSucceeds) {
  Router router;
  router.get("/", [](Request&, Response& response) { response.text("hello"); });
  TestServer server = serve(http::server(std::move(router)));
  std::optional<http::Client> client;
  std::atomic<int> replies{0}, good{0};
  TestServer caller = serve({.loop_stopped = [&](Loop&) { client.reset(); }});
  caller.on_loop(0, [&] {
    client.emplace(caller->loop(0), http::ClientSettings{.timeout = 200ms});
    client->get("http://127.0.0.1:" + std::to_string(server.port()) + "/",
                [&](http::ClientResponse reply) {
                  good += reply.status == 200;
                  ++replies;
                });
  });
  ASSERT_TRUE(eventually([&] { return replies == 1; }));  // the client has a connection
  caller.on_loop(0, [&] {
    client->get("http://127.0.0.1:" + std::to_string(server.port()) + "/",
                [&](http::ClientResponse reply) {
                  good += reply.status == 200;
                  ++replies;
                });
    std::this_thread::sleep_for(400ms);
  });
  ASSERT_TRUE(eventually([&] { return replies == 2; }));
  EXPECT_EQ(good, 2);
}

}  // namespace
}  // namespace evio::test
