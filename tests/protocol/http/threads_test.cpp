// Replies from other threads: in order, complete, and harmless after the client has left.
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

// Threads that answer each request with its path.
class Workers {
 public:
  Workers() {
    for (int i = 0; i < 3; ++i) threads_.emplace_back([this] { work(); });
  }
  Workers(const Workers&) = delete;
  ~Workers() {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }

  void answer(http::ResponseHandle to, std::string text) {
    const std::lock_guard lock(mutex_);
    jobs_.emplace_back(std::move(to), std::move(text));
    changed_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      auto [to, text] = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      if (!text.ends_with("/dropped"))
        to.post([said = std::move(text)](http::Response& response) { response.text(said); });
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<http::ResponseHandle, std::string>> jobs_;
  bool ending_ = false;
  std::vector<Background> threads_;
};

class HttpThreads : public Behaviour {};
EVIO_ON_EVERY_BACKEND(HttpThreads);

TEST_P(HttpThreads, RepliesOfOtherThreadsKeepTheirOrder) {
  Workers workers;
  TestServer server = serve(http::server([&](http::Request& request, http::Response& response) {
    workers.answer(response.handle(), std::string(request.path()));
  }));
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(server.connect());
  std::string requests;
  for (int i = 0; i < 100; ++i)
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  requests += "GET /dropped HTTP/1.1\r\nHost: x\r\n\r\n";
  for (Client& client : clients) {
    client.send(requests);
    client.shutdown_write();
  }
  for (Client& client : clients) {
    const std::string answers = client.receive_rest().bytes;
    std::size_t at = 0;
    for (int i = 0; i < 100 && at != answers.npos; ++i)
      at = answers.find("\r\n\r\n/" + std::to_string(i) + "HTTP", at);
    EXPECT_NE(at, answers.npos);
    EXPECT_NE(answers.find("HTTP/1.1 500 "), answers.npos);
  }
}

TEST_P(HttpThreads, ClientsMayLeaveBeforeTheReply) {
  std::optional<Workers> workers(std::in_place);
  TestServer server = serve(http::server([&](http::Request& request, http::Response& response) {
    workers->answer(response.handle(), std::string(request.path()));
  }));
  for (int i = 0; i < 30; ++i) {
    Client client = server.connect();
    client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    if (i % 2 == 0) client.reset();
  }
  Client client = server.connect();
  client.send("GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.receive_rest().bytes.ends_with("\r\n\r\n/b"));
  EXPECT_EQ(server.stop(), nullptr);
}

}  // namespace
}  // namespace evio::test
