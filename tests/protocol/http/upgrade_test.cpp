// Upgrading from HTTP to another protocol: what an Upgraded receives, and when.
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

using Log = std::vector<std::string>;

// Echoes its input up to an exclamation mark, and logs its events.
class Echo final : public http::Upgraded {
 public:
  explicit Echo(Log& log) : log_(log) {}
  ~Echo() override { log_.push_back("destroyed"); }

  Action opened(Conn& conn) override {
    log_.push_back("opened");
    conn.write("hello ");
    return Action::none;
  }
  Action data(Conn& conn, Input& in) override {
    const std::string bytes(in.take());
    if (!log_.back().starts_with("data ")) log_.push_back("data ");
    log_.back() += bytes;
    conn.write(bytes);
    return bytes.ends_with('!') ? Action::close : Action::none;
  }
  Action ended(Conn&, Input&) override {
    log_.push_back("ended");
    return Action::close;
  }
  void closed(Conn&, std::error_code) override { log_.push_back("closed"); }

 private:
  Log& log_;
};

constexpr std::string_view asks =
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

Events server(Log& log) {
  return http::server([&log](http::Request& request, http::Response& response) {
    if (!request.has_token("Upgrade", "echo")) return response.send(426);
    response.add("X-Greeting", "hi").upgrade("echo", std::make_unique<Echo>(log));
  });
}

std::string body_of(const std::string& received) {
  return received.substr(std::min(received.size(), received.find("\r\n\r\n") + 4));
}

TEST(HttpUpgrade, TheReplyPrecedesTheProtocol) {
  Log log;
  Simulation sim(1);
  sim.serve(server(log), "tcp://:80");
  Peer& peer = sim.connect("tcp://:80");
  peer.send(asks);
  sim.run_for(1s);
  EXPECT_TRUE(peer.received().starts_with("HTTP/1.1 101 Switching Protocols\r\n"))
      << peer.received();
  EXPECT_NE(
      peer.received().find("\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Greeting: hi\r\n\r\n"),
      std::string::npos);
  EXPECT_EQ(log, Log{"opened"});
  sim.run_for(1h);  // no deadline of HTTP remains
  peer.send("one");
  sim.run_for(1s);
  peer.send(" bye!");
  sim.run_for(10s);
  EXPECT_EQ(body_of(peer.received()), "hello one bye!");
  EXPECT_TRUE(peer.done());
  EXPECT_EQ(log, (Log{"opened", "data one bye!", "closed", "destroyed"}));
}

TEST(HttpUpgrade, BytesAfterTheRequestBelongToTheProtocol) {
  Log log;
  Simulation sim(2);
  sim.serve(server(log), "tcp://:80");
  Peer& peer = sim.connect("tcp://:80");
  peer.send(std::string(asks) + "GET / HTTP/1.1\r\n");
  peer.shutdown_write();
  sim.run_for(10s);
  EXPECT_EQ(body_of(peer.received()), "hello GET / HTTP/1.1\r\n");
  EXPECT_EQ(log, (Log{"opened", "data GET / HTTP/1.1\r\n", "ended", "closed", "destroyed"}));
}

TEST(HttpUpgrade, MayHappenLaterThroughAHandle) {
  Log log;
  std::optional<http::ResponseHandle> later;
  Simulation sim(3);
  sim.serve(
      http::server([&](http::Request&, http::Response& response) { later = response.handle(); }),
      "tcp://:80");
  Peer& peer = sim.connect("tcp://:80");
  peer.send(std::string(asks) + "early");
  sim.run_for(1s);
  EXPECT_EQ(peer.received(), "");
  later->post(
      [&](http::Response& response) { response.upgrade("echo", std::make_unique<Echo>(log)); });
  sim.run_for(1s);
  EXPECT_EQ(body_of(peer.received()), "hello early");
  peer.send(" bye!");
  sim.run_for(10s);
  EXPECT_EQ(log, (Log{"opened", "data early bye!", "closed", "destroyed"}));
}

TEST(HttpUpgrade, MayFollowOtherRequests) {
  Log log;
  Simulation sim(4);
  sim.serve(server(log), "tcp://:80");
  Peer& peer = sim.connect("tcp://:80");
  peer.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n" + std::string(asks) + "bye!");
  sim.run_for(10s);
  EXPECT_TRUE(peer.received().starts_with("HTTP/1.1 426 Upgrade Required\r\n")) << peer.received();
  EXPECT_TRUE(peer.received().ends_with("\r\n\r\nhello bye!")) << peer.received();
}

}  // namespace
}  // namespace evio::test
