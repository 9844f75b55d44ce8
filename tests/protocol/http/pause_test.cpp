// Requests whose bodies are paused: the requests after them are answered in order, whichever side
// paused the connection last.
#include <gtest/gtest.h>

#include <chrono>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <evio/simulation.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace evio::test { namespace {

using namespace sim;

using namespace std::chrono_literals;
using http::Request;
using http::Response;

using Log = std::vector<std::string>;

std::string get(int number) {
  return "GET /" + std::to_string(number) + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

std::string put(const std::string& body) {
  return "PUT /body HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

// A server that pauses the body of PUT /body at each piece, and answers it through `handle`.
struct World {
  World() {
    http::Router router;
    router.get("/:number", [](Request& request, Response& response) {
      response.text(request.param("number") + ".");
    });
    router.stream("PUT", "/body", [this](Request& request, Response& response) {
      handle = response.handle();
      request.receive([this](Request& from, Response&, std::string_view piece) {
        received += piece.empty() ? "$" : std::string(piece);
        from.pause();
      });
    });
    sim.serve(http::server(std::move(router)), "tcp://:80");
    peer = &sim.connect("tcp://:80");
  }
  void post(Callback<void(Response&)> fn) {
    handle->post(std::move(fn));
    sim.run_for(1s);
  }
  // The bodies of the replies, in order.
  std::string answers() const {
    std::string all;
    for (std::size_t at = 0; (at = peer->received().find("\r\n\r\n", at)) != std::string::npos;) {
      at += 4;
      all += peer->received().substr(at, peer->received().find("HTTP/1.1", at) - at);
    }
    return all;
  }

  std::optional<http::ResponseHandle> handle;
  std::string received;
  Simulation sim{1};
  Peer* peer;
};

TEST(HttpPause, RequestsAfterAPausedBodyAreAnsweredInOrder) {
  for (const bool answered_before_resuming : {false, true})
    for (const bool all_at_once : {false, true}) {
      World world;
      world.peer->send(put("hello") + (all_at_once ? get(1) + get(2) : ""));
      world.sim.run_for(1s);
      EXPECT_EQ(world.received, "hello");
      if (!all_at_once) world.peer->send(get(1) + get(2));
      world.sim.run_for(1s);
      if (!answered_before_resuming)
        world.post([](Response& response) { response.request().resume(); });
      world.sim.run_for(1s);
      EXPECT_EQ(world.received, answered_before_resuming ? "hello" : "hello$");
      EXPECT_EQ(world.answers(), "");
      world.post([](Response& response) { response.text("body."); });
      EXPECT_EQ(world.answers(), "body.1.2.");
      world.peer->send(get(3));
      world.sim.run_for(1s);
      EXPECT_EQ(world.answers(), "body.1.2.3.");
    }
}

TEST(HttpPause, ManyBytesAfterAPausedBodyWaitWithoutOverflow) {
  World world;
  world.peer->send(put("hello"));
  for (int i = 0; i < 60000; ++i) world.peer->send(get(i));  // more than Limits::input_max
  world.sim.run_for(5s);
  for (int i = 0; i < 3; ++i) world.post([](Response& response) { response.request().resume(); });
  world.sim.run_for(5s);
  world.post([](Response& response) { response.text("body."); });
  world.sim.run_for(20s);
  EXPECT_FALSE(world.peer->done());
  EXPECT_TRUE(world.answers().ends_with("59998.59999."));
}

TEST(HttpPause, TheEndOfAPausedBodyIsDelayed) {
  World world;
  world.peer->send(put("hello"));
  world.sim.run_for(1h);
  EXPECT_EQ(world.received, "hello");
  world.post([](Response& response) { response.request().resume(); });
  EXPECT_EQ(world.received, "hello$");
  world.post([](Response& response) { response.text("body."); });
  EXPECT_EQ(world.answers(), "body.");
}

// Logs its events; pauses in `opened` if configured.
class Noting final : public http::Upgraded {
 public:
  Noting(Log& log, bool pauses) : log_(log), pauses_(pauses) {}

  Action opened(Conn& conn) override {
    log_.push_back("opened");
    if (pauses_) {
      conn.pause();
      conn.run_after(10s, [](Conn& c) { c.resume(); });
    }
    return Action::none;
  }
  Action data(Conn&, Input& in) override {
    log_.push_back("data " + std::string(in.take()));
    return Action::none;
  }
  Action draining(Conn& conn) override {
    log_.push_back("draining");
    conn.write("bye");
    return Action::close;
  }
  void closed(Conn&, std::error_code) override { log_.push_back("closed"); }

 private:
  Log& log_;
  const bool pauses_;
};

constexpr std::string_view asks =
    "PUT / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: it\r\nContent-Length: "
    "4\r\n\r\nbody";

TEST(HttpPause, AnUpgradeOfADelayedRequestBeginsImmediately) {
  for (const std::string behind : {"", "early"})
    for (const bool pauses : {false, true}) {
      Log log;
      std::optional<http::ResponseHandle> later;
      http::Router router;
      router.stream("PUT", "/", [&](Request& request, Response& response) {
        later = response.handle();
        request.receive([](Request& from, Response&, std::string_view) { from.pause(); });
      });
      Simulation sim(1);
      Server& server = sim.serve(http::server(std::move(router)), "tcp://:80");
      Peer& peer = sim.connect("tcp://:80");
      peer.send(std::string(asks) + behind);
      sim.run_for(1s);
      later->post([&](Response& to) { to.upgrade("it", std::make_unique<Noting>(log, pauses)); });
      sim.run_for(1s);
      const bool shown = !behind.empty() && !pauses;
      EXPECT_EQ(log, shown ? Log({"opened", "data early"}) : Log({"opened"}));
      sim.run_for(20s);
      EXPECT_EQ(log, behind.empty() ? Log({"opened"}) : Log({"opened", "data early"}));
      server.drain(1h);
      sim.run_for(5s);
      EXPECT_EQ(log.back(), "closed");
      EXPECT_EQ(*(log.end() - 2), "draining");
      EXPECT_TRUE(peer.received().ends_with("\r\n\r\nbye"));
    }
}

TEST(HttpPause, AnUpgradedConnectionThatPausesInOpenedGetsNoInput) {
  Log log;
  Simulation sim(1);
  sim.serve(http::server([&](Request&, Response& response) {
              response.upgrade("it", std::make_unique<Noting>(log, true));
            }),
            "tcp://:80");
  Peer& peer = sim.connect("tcp://:80");
  peer.send(std::string(asks) + "early");
  sim.run_for(5s);
  EXPECT_EQ(log, Log({"opened"}));
  sim.run_for(10s);
  EXPECT_EQ(log, Log({"opened", "data early"}));
}

}  // namespace
}  // namespace evio::test
