// A draining HTTP server: idle connections close immediately, pending requests are answered, and
// the last reply says close.
#include <gtest/gtest.h>

#include <chrono>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <evio/simulation.hpp>
#include <optional>
#include <string>

namespace evio::test { namespace {

using namespace sim;

using namespace std::chrono_literals;
using http::Request;
using http::Response;

constexpr std::string_view now = "GET /now HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view later = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";

struct World {
  World() {
    http::Router router;
    router.get("/now", [](Request&, Response& response) { response.text("now"); });
    router.get("/later", [this](Request&, Response& response) { handle = response.handle(); });
    Events events = http::server(std::move(router));
    events.loop_stopped = [this](Loop&) { stopped = true; };
    server = &sim.serve(std::move(events), "tcp://:80");
  }

  std::optional<http::ResponseHandle> handle;
  bool stopped = false;
  Simulation sim{1};
  Server* server;
};

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(HttpDrain, IdleConnectionsAreClosedImmediately) {
  World world;
  Peer& idle = world.sim.connect("tcp://:80");
  Peer& unused = world.sim.connect("tcp://:80");
  idle.send(now);
  world.sim.run_for(1s);
  world.server->drain(1h);
  world.sim.run_for(1s);
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(unused.ended());
  EXPECT_TRUE(world.stopped);
}

TEST(HttpDrain, TheReplyToAPendingRequestIsTheLast) {
  World world;
  Peer& peer = world.sim.connect("tcp://:80");
  peer.send(later);
  world.sim.run_for(1s);
  world.server->drain(1h);
  world.sim.run_for(10s);
  EXPECT_FALSE(peer.ended());
  world.handle->post([](Response& response) { response.text("late"); });
  world.sim.run_for(1s);
  EXPECT_NE(peer.received().find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_TRUE(peer.received().ends_with("\r\n\r\nlate"));
  EXPECT_TRUE(peer.ended());
  EXPECT_TRUE(world.stopped);
}

TEST(HttpDrain, AReplyInProgressIsCompleted) {
  World world;
  Peer& peer = world.sim.connect("tcp://:80");
  peer.send(later);
  world.sim.run_for(1s);
  world.handle->post([](Response& response) { response.write("begun"); });
  world.sim.run_for(1s);
  world.server->drain(1h);
  world.sim.run_for(10s);
  world.handle->post([](Response& response) { response.end(); });
  world.sim.run_for(1s);
  EXPECT_TRUE(peer.received().ends_with("5\r\nbegun\r\n0\r\n\r\n"));
  EXPECT_TRUE(peer.ended());
}

TEST(HttpDrain, ARequestThatHasPartlyArrivedIsAnswered) {
  for (const std::size_t known : {std::size_t{1}, now.size() - 1, now.size()}) {
    World world;
    Peer& peer = world.sim.connect("tcp://:80");
    peer.send(now);
    world.sim.run_for(1s);
    peer.forget_received();
    peer.send(now.substr(0, known));
    if (known < now.size()) world.sim.run_for(1s);
    world.server->drain(1h);
    world.sim.run_for(known < now.size() ? 1s : 0s);
    peer.send(now.substr(known));
    world.sim.run_for(1s);
    if (known == now.size() && peer.received().empty())
      continue;  // the request was still on its way when the connection closed
    EXPECT_TRUE(peer.received().ends_with("\r\n\r\nnow")) << known;
    EXPECT_EQ(count(peer.received(), "Connection: close"), 1U);
    EXPECT_TRUE(peer.ended());
    EXPECT_TRUE(world.stopped);
  }
}

TEST(HttpDrain, AllPipelinedRequestsAreAnsweredAndTheLastReplySaysClose) {
  World world;
  Peer& peer = world.sim.connect("tcp://:80");
  peer.send(std::string(later) + std::string(now) + std::string(now));
  world.sim.run_for(1s);
  world.server->drain(1h);
  world.sim.run_for(1s);
  world.handle->post([](Response& response) { response.text("late"); });
  world.sim.run_for(1s);
  EXPECT_EQ(count(peer.received(), "HTTP/1.1 200"), 3U);
  EXPECT_EQ(count(peer.received(), "Connection: close"), 1U);
  EXPECT_GT(peer.received().rfind("Connection: close"), peer.received().rfind("HTTP/1.1 200"));
  EXPECT_TRUE(peer.ended());
}

TEST(HttpDrain, ANewConnectionMaySendARequest) {
  World world;
  Peer& peer = world.sim.connect("tcp://:80");
  peer.when_changed([](Peer& self) {
    if (self.connected() && self.received().empty() && self.can_send() && self.unsent() == 0)
      self.send(now);
    self.when_changed({});
  });
  world.server->drain(1h);
  world.sim.run_for(5s);
  EXPECT_TRUE(peer.received().empty() || peer.received().ends_with("\r\n\r\nnow"));
  EXPECT_TRUE(world.stopped);
}

}  // namespace
}  // namespace evio::test
