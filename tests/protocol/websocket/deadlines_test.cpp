// No peer is closed because its server was late to read its reply.
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <evio/websocket.hpp>
#include <string>

#include "wire.hpp"

namespace evio::test { namespace {

using namespace sim;

using namespace std::chrono_literals;
namespace ws = evio::websocket;

TEST(WebSocketDeadlines, AStalledServerClosesNoResponsivePeer) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::deque<int> answered;
    Simulation sim(
        seed, {.late_send = 0.2, .late_event = 0.3, .process_stop = 0.01, .slow_handler = 0.1});
    sim.serve(ws::server({}, {.ping_interval = 1s}), "tcp://:80");
    for (int i = 0; i < 5; ++i) {
      Peer& peer = sim.connect("tcp://:80");
      peer.when_changed([&sim, &count = answered.emplace_back()](Peer& self) {
        if (self.ended() || self.broken()) count = -1'000'000;
        if (!self.received().ends_with(frame(fin | ping, "", false))) return;
        self.forget_received();
        ++count;
        sim.run_after(600ms, [&self] { self.send(frame(fin | pong, "")); });
      });
      peer.send(std::string(handshake) + "\r\n");
    }
    sim.run_for(60s);
    for (const int count : answered) ASSERT_GT(count, 5) << "seed " << seed;
  }
}

}  // namespace
}  // namespace evio::test
