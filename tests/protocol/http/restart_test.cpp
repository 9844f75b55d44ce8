// A server is replaced while clients with persistent connections send requests: no request is lost,
// and the old server ends after its last reply.
#include <gtest/gtest.h>

#include <atomic>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

Events server_named(const std::string& name) {
  http::Router router;
  router.get("/", [name](http::Request&, http::Response& response) { response.text(name); });
  return http::server(std::move(router));
}

// Sends requests until it is stopped, over one connection while that persists. An end between two
// requests, before a byte of the reply, is not an error: the client retries.
class Asking {
 public:
  explicit Asking(const Address& address) : address_(address), thread_([this] { run(); }) {}
  Asking(const Asking&) = delete;

  void stop() { stopped_ = true; }

  std::atomic<int> old_answers{0}, new_answers{0}, lost{0};

 private:
  void run() {
    while (!stopped_) {
      Client client = Client::to(address_);
      for (bool first = true, kept = true; kept && !stopped_; first = false)
        kept = ask(client, first);
    }
  }

  bool ask(Client& client, bool first) {
    std::string reply;
    try {
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      while (reply.find("\r\n\r\n") == reply.npos || reply.size() < reply.find("\r\n\r\n") + 7) {
        const std::string more = client.receive_some();
        if (more.empty()) break;
        reply += more;
      }
    } catch (const std::system_error&) {  // reset
    }
    if (reply.ends_with("\r\n\r\nold"))
      ++old_answers;
    else if (reply.ends_with("\r\n\r\nnew"))
      ++new_answers;
    else if (first || !reply.empty())
      ++lost;
    return !reply.empty() && reply.find("\r\nConnection: close\r\n") == reply.npos;
  }

  const Address address_;
  std::atomic<bool> stopped_{false};
  Background thread_;
};

class HttpRestart : public Behaviour {};
EVIO_ON_EVERY_BACKEND(HttpRestart);

TEST_P(HttpRestart, LosesNoRequestOfPersistentConnections) {
  TestServer before = serve(server_named("old"));
  const Address address = before.address();
  Client idle = before.connect();
  idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(idle.receive_some().empty());
  {
    std::vector<std::unique_ptr<Asking>> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(std::make_unique<Asking>(address));
    for (const auto& each : clients)
      EXPECT_TRUE(eventually([&] { return each->old_answers > 20; }));
    TestServer after = serve(server_named("new"), Binding(before->listener(0)));
    before->drain(1h);
    EXPECT_EQ(before.wait(), nullptr);  // before the hour is over
    EXPECT_EQ(idle.receive_rest().bytes, "");
    for (const auto& each : clients)
      EXPECT_TRUE(eventually([&] { return each->new_answers > 20; }));
    for (const auto& each : clients) each->stop();
    for (const auto& each : clients) EXPECT_EQ(each->lost, 0);
    clients.clear();
  }
}

// This includes requests that were not read yet because the connection was paused.
TEST_P(HttpRestart, AnswersAllPipelinedRequests) {
  constexpr int requests = 5000;
  Gate asked;
  std::optional<http::ResponseHandle> handle;
  http::Router router;
  router.get("/later", [&](http::Request&, http::Response& response) {
    handle = response.handle();
    asked.open();
  });
  router.get("/now", [](http::Request&, http::Response& response) { response.send(204); });
  TestServer server = serve(http::server(std::move(router)));
  Client client = server.connect();
  std::string all = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";
  for (int i = 0; i < requests; ++i) all += "GET /now HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(all);
  ASSERT_TRUE(asked.wait());
  server->drain(1h);
  handle->post([](http::Response& response) { response.send(204); });
  const std::string answers = client.receive_rest().bytes;
  std::size_t count = 0, at = 0;
  for (; (at = answers.find("HTTP/1.1 204", at)) != answers.npos; ++at) ++count;
  EXPECT_EQ(count, requests + 1U);
  EXPECT_GT(answers.find("\r\nConnection: close\r\n"), answers.rfind("HTTP/1.1 204"));
  EXPECT_NE(answers.find("\r\nConnection: close\r\n"), answers.npos);
  handle.reset();
  EXPECT_EQ(server.wait(), nullptr);
}

}  // namespace
}  // namespace evio::test
