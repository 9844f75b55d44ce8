// WebSockets whose peer reads less than they send, in simulation.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <evio/websocket.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "wire.hpp"

namespace evio::test { namespace {

using namespace sim;

using namespace std::chrono_literals;
namespace ws = evio::websocket;

constexpr std::size_t message_size = 10'000;
constexpr std::size_t messages = 2000;
constexpr Limits limits{.output_high = 100'000, .output_low = 20'000};

// One side: sends until `send` reports congestion, and counts what arrives.
struct Side {
  void produce(ws::WebSocket& socket) {
    while (sent < messages && socket.is_open()) {
      ++sent;
      if (!socket.binary(std::string(message_size, 'x'))) return;
    }
  }
  ws::Handlers handlers() {
    return {
        .opened = [this](ws::WebSocket& socket) { produce(socket); },
        .message = [this](ws::WebSocket&,
                          ws::Message message) { received += message.bytes.size(); },
        .pong = [this] { ++pongs; },
        .drained = [this](ws::WebSocket& socket) { produce(socket); },
        .closed = [this](ws::WebSocket&, const ws::Closed& why) { closed.push_back(why.error); }};
  }

  std::size_t sent = 0;
  std::size_t received = 0;
  std::size_t pongs = 0;
  std::vector<std::error_code> closed;
};

class WebSocketBackPressure : public testing::Test {
 protected:
  void serve(ws::Handlers handlers, ws::Settings settings = {}) {
    Events events = ws::server(std::move(handlers), std::move(settings));
    events.limits = limits;
    sim.serve(std::move(events), "tcp://:80");
  }
  void connect(ws::Handlers handlers, ws::Settings settings = {}) {
    Events events;
    events.loop_started = [handlers = std::move(handlers),
                           settings = std::move(settings)](Loop& loop) mutable {
      ws::connect(loop, "ws://127.0.0.1", std::move(handlers), std::move(settings), limits);
    };
    sim.serve(std::move(events), "tcp://127.0.0.1:81");
  }
  // A peer that opens a WebSocket and does not read.
  Peer& deaf_peer() {
    Peer& peer = sim.connect("tcp://:80");
    peer.stop_reading();
    peer.send(std::string(handshake) + "\r\n");
    sim.run_for(100ms);
    return peer;
  }

  Side server, client;
  Simulation sim{1};
};

const std::error_code timed_out = std::make_error_code(std::errc::timed_out);

TEST_F(WebSocketBackPressure, BothSidesMaySendMuchAtOnce) {
  serve(server.handlers());
  connect(client.handlers());
  sim.run_for(1min);
  EXPECT_EQ(server.received, messages * message_size);
  EXPECT_EQ(client.received, messages * message_size);
}

TEST_F(WebSocketBackPressure, BothSidesMaySendMoreThanTheLimits) {
  const auto flood = [](ws::WebSocket& socket) {
    for (std::size_t i = 0; i < messages; ++i) socket.binary(std::string(message_size, 'x'));
  };
  const auto flooding = [&](Side& side) {
    ws::Handlers handlers = side.handlers();
    handlers.opened = flood;
    handlers.drained = [] {};
    return handlers;
  };
  serve(flooding(server));
  connect(flooding(client));
  sim.run_for(1min);
  EXPECT_EQ(server.received, messages * message_size);
  EXPECT_EQ(client.received, messages * message_size);
}

// Each side sends requests while it has not read the replies to its earlier ones.
TEST_F(WebSocketBackPressure, BothSidesMaySendRequestsAndReplies) {
  const auto with_answers = [](Side& side) {
    ws::Handlers handlers = side.handlers();
    handlers.message = [&side](ws::WebSocket& socket, ws::Message message) {
      if (message.kind == ws::Kind::text) {
        side.received += message.bytes.size();
      } else {
        socket.text(message.bytes);
      }
    };
    return handlers;
  };
  serve(with_answers(server));
  connect(with_answers(client));
  sim.run_for(10min);
  EXPECT_EQ(server.received, messages * message_size);
  EXPECT_EQ(client.received, messages * message_size);
}

TEST_F(WebSocketBackPressure, PingsAreAnsweredAfterPendingOutput) {
  serve(server.handlers());
  ws::Handlers handlers = client.handlers();
  handlers.opened = [&](ws::WebSocket& socket) {
    client.produce(socket);
    socket.ping("p");
  };
  connect(std::move(handlers));
  sim.run_for(1min);
  EXPECT_EQ(client.pongs, 1U);
}

TEST_F(WebSocketBackPressure, APeerThatReadsNothingIsClosed) {
  for (const bool talks : {false, true}) {
    Side server;
    Simulation world{1};
    Events events = ws::server(server.handlers(), {.ping_interval = 10s});
    events.limits = limits;
    world.serve(std::move(events), "tcp://:80");
    Peer& peer = world.connect("tcp://:80");
    peer.stop_reading();
    peer.send(std::string(handshake) + "\r\n");
    for (int i = 0; i < 35; ++i) {
      if (talks) peer.send(frame(fin | text, "hello"));
      world.run_for(1s);
    }
    EXPECT_EQ(server.closed, std::vector{timed_out}) << talks;
  }
}

TEST_F(WebSocketBackPressure, APeerThatReadsSlowlyStaysOpen) {
  ws::Handlers handlers = server.handlers();
  handlers.drained = [this](ws::WebSocket& socket) {
    server.sent = 0;
    server.produce(socket);
  };
  serve(std::move(handlers), {.ping_interval = 10s});
  Peer& peer = deaf_peer();
  for (int i = 0; i < 10; ++i) {
    peer.start_reading();
    sim.run_for(1ms);
    peer.stop_reading();
    sim.run_for(8s);
  }
  EXPECT_EQ(server.closed, std::vector<std::error_code>{});
}

TEST_F(WebSocketBackPressure, APeerThatSendsButDoesNotReadIsNotRead) {
  serve({.message =
             [&](ws::WebSocket& socket, ws::Message message) {
               server.received += message.bytes.size();
               socket.send(message);
             }},
        {.ping_interval = Duration::zero()});
  Peer& peer = deaf_peer();
  const std::string question = frame(fin | text, std::string(1000, 'x'));
  for (int i = 0; i < 40'000; ++i) peer.send(question);
  sim.run_for(9s);
  EXPECT_LT(server.received, 1'500'000U);
  sim.run_for(10min);
  EXPECT_LT(server.received, 20'000'000U);
  peer.start_reading();
  sim.run_for(10min);
  EXPECT_EQ(server.received, 40'000'000U);
}

TEST_F(WebSocketBackPressure, CloseTimeoutBeginsWhenTheCloseFrameWasSent) {
  ws::Handlers handlers = server.handlers();
  handlers.opened = [](ws::WebSocket& socket) {
    for (int i = 0; i < 100; ++i) socket.binary(std::string(message_size, 'x'));
    socket.close(websocket::CloseCode{4000});
  };
  serve(std::move(handlers), {.close_timeout = 3s});
  Peer& peer = deaf_peer();
  sim.run_for(4s);
  peer.start_reading();
  sim.run_for(1s);
  EXPECT_TRUE(peer.received().ends_with(frame(fin | close_frame, closing(4000), false)));
  sim.run_for(1s);
  EXPECT_FALSE(peer.ended());
  sim.run_for(3s);
  EXPECT_TRUE(peer.done());
  EXPECT_EQ(server.closed, std::vector{std::error_code()});
}

}  // namespace
}  // namespace evio::test
