// Topics: a subscriber receives each published message once, in order, from all loops, until it
// leaves.
#include <gtest/gtest.h>

#include <chrono>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <evio/websocket.hpp>
#include <memory>
#include <string>
#include <vector>

#include "wire.hpp"

namespace evio::test { namespace {

using namespace sim;

using namespace std::chrono_literals;
namespace ws = evio::websocket;

// A server whose messages are "+topic", "-topic" or "topic=text".
ws::Handlers obeying(const ws::Topics& topics) {
  return {.message = [topics](ws::WebSocket& socket, ws::Message message) {
    const std::string_view said = message.bytes;
    const std::size_t equals = said.find('=');
    if (equals != said.npos)
      topics.publish(said.substr(0, equals), {.bytes = said.substr(equals + 1)});
    else if (said[0] == '+')
      socket.text(topics.subscribe(socket, said.substr(1)) ? "in" : "already");
    else
      socket.text(topics.unsubscribe(socket, said.substr(1)) ? "out" : "was not");
  }};
}

class WebSocketTopics : public testing::TestWithParam<int> {
 protected:
  void serve() {
    Events events = ws::server(obeying(topics));
    events.loops = GetParam();
    sim.serve(std::move(events), "tcp://:80");
  }
  Peer& join() {
    Peer& peer = sim.connect("tcp://:80");
    peer.send(std::string(handshake) + "\r\n");
    sim.run_for(100ms);
    return peer;
  }
  void say(Peer& peer, std::string_view message) {
    peer.send(frame(fin | text, message));
    sim.run_for(100ms);
  }
  std::vector<std::string> heard(Peer& peer) {
    std::vector<std::string> all;
    std::string_view bytes = peer.received();
    if (bytes.starts_with("HTTP"))
      bytes.remove_prefix(std::min(bytes.size(), bytes.find("\r\n\r\n") + 4));
    while (const auto each = next_frame(bytes)) all.push_back(each->payload);
    peer.forget_received();
    return all;
  }

  ws::Topics topics;
  Simulation sim{1};
};
INSTANTIATE_TEST_SUITE_P(Loops, WebSocketTopics, testing::Values(1, 3),
                         testing::PrintToStringParamName());

using Lines = std::vector<std::string>;

TEST_P(WebSocketTopics, ReachAllSubscribers) {
  serve();
  std::vector<Peer*> peers;
  for (int i = 0; i < 9; ++i) peers.push_back(&join());
  for (std::size_t i = 0; i < 9; ++i) say(*peers[i], i % 2 == 0 ? "+even" : "+odd");
  say(*peers[0], "+odd");
  say(*peers[0], "+odd");
  say(*peers[1], "even=2");
  say(*peers[1], "even=4");
  say(*peers[1], "odd=1");
  say(*peers[1], "nobody=0");
  for (std::size_t i = 0; i < 9; ++i)
    EXPECT_EQ(heard(*peers[i]), i == 0       ? (Lines{"in", "in", "already", "2", "4", "1"})
                                : i % 2 == 0 ? (Lines{"in", "2", "4"})
                                             : (Lines{"in", "1"}))
        << i;
}

TEST_P(WebSocketTopics, ReachNoSubscriberThatLeftOrClosed) {
  serve();
  std::vector<Peer*> peers;
  for (int i = 0; i < 6; ++i) {
    peers.push_back(&join());
    say(*peers.back(), "+a");
    say(*peers.back(), "+b");
    heard(*peers.back());
  }
  say(*peers[0], "-a");
  say(*peers[0], "-a");
  peers[1]->reset();
  say(*peers[2], "a=x");
  EXPECT_EQ(heard(*peers[0]), (Lines{"out", "was not"}));
  EXPECT_EQ(heard(*peers[1]), Lines{});
  for (std::size_t i = 2; i < 6; ++i) EXPECT_EQ(heard(*peers[i]), Lines{"x"});
  for (std::size_t i = 1; i < 6; ++i) peers[i]->reset();
  sim.run_for(1s);
  topics.publish("b", {.bytes = "from outside"});
  sim.run_for(1s);
  EXPECT_EQ(heard(*peers[0]), Lines{"from outside"});
  peers[0]->reset();
  sim.run_for(1s);
  topics.publish("b", {.bytes = "to nobody"});
  sim.run_for(1s);
}

TEST(WebSocketTopicsLife, MayEndBeforeTheServerOrAfterIt) {
  auto topics = std::make_unique<ws::Topics>();
  ws::Topics kept = *topics;
  {
    Simulation sim(1);
    Events events =
        ws::server({.opened = [&](ws::WebSocket& socket) { topics->subscribe(socket, "t"); }});
    sim.serve(std::move(events), "tcp://:80");
    Peer& peer = sim.connect("tcp://:80");
    peer.send(std::string(handshake) + "\r\n");
    sim.run_for(1s);
    topics.reset();
    kept.publish("t", {.bytes = "still there"});
    sim.run_for(1s);
    EXPECT_TRUE(peer.received().ends_with("still there"));
  }
  kept.publish("t", {.bytes = "to nobody"});
}

}  // namespace
}  // namespace evio::test
