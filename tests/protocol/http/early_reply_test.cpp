// The client receives a reply that a server sends before it has read the whole request; with real
// sockets.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <optional>
#include <string>

#include "support/behaviour.hpp"

namespace evio::test { namespace {

// Listens; answers one request of which it reads a little, and closes.
class Refuser {
 public:
  Refuser() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof any;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&any), size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size);
    port_ = ntohs(any.sin_port);
  }
  Refuser(const Refuser&) = delete;
  ~Refuser() { ::close(listener_); }

  int port() const { return port_; }
  void refuse_one() const {
    constexpr std::string_view refusal =
        "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    char some[1000];
    EXPECT_GT(::recv(fd, some, sizeof some, 0), 0);
    EXPECT_EQ(::send(fd, refusal.data(), refusal.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(refusal.size()));
    ::close(fd);  // a reset, because of unread input
  }

 private:
  const int listener_;
  int port_;
};

class HttpEarlyReply : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(HttpEarlyReply, 1);

// Posts a large body to a port.
class Posting {
 public:
  Posting(Events events, int port) : server_(with_end(std::move(events)), "tcp://127.0.0.1:0") {
    server_.on_loop(0, [this, port] {
      client_.emplace(server_->loop(0), http::ClientSettings{.body_max = 64 * mib});
      http::ClientRequest call{.method = "POST",
                               .url = "http://127.0.0.1:" + std::to_string(port) + "/"};
      call.body.assign(32 * mib, 'x');
      client_->call(std::move(call), [this](http::ClientResponse got) {
        reply_ = std::move(got);
        replied_.open();
      });
    });
  }
  const http::ClientResponse& reply() const {
    EXPECT_TRUE(replied_.wait());
    return reply_;
  }

 private:
  Events with_end(Events events) {
    events.loop_stopped = [this](Loop&) { client_.reset(); };
    return events;
  }

  Gate replied_;
  http::ClientResponse reply_;
  std::optional<http::Client> client_;
  TestServer server_;
};

TEST_P(HttpEarlyReply, AnErrorReplyBeforeAResetIsReported) {
  const Refuser refuser;
  const Posting posting(as_set_up({}), refuser.port());
  refuser.refuse_one();
  EXPECT_EQ(posting.reply().status, 413) << posting.reply().error.message();
  EXPECT_EQ(posting.reply().body, "no");
}

TEST_P(HttpEarlyReply, AServerThatEchoesTheBodyIsRead) {
  http::Router router;
  router.stream("POST", "/", [](http::Request& request, http::Response&) {
    request.receive([](http::Request&, http::Response& response, std::string_view piece) {
      if (piece.empty()) return response.end();
      response.write(piece);
    });
  });
  Events events = as_set_up(http::server(std::move(router)));
  events.options = {.receive_buffer = 64 * kib, .send_buffer = 64 * kib};
  const TestServer server(std::move(events), "tcp://127.0.0.1:0");
  const Posting posting(as_set_up({}), server.port());
  EXPECT_EQ(posting.reply().body.size(), 32 * mib) << posting.reply().error.message();
}

}  // namespace
}  // namespace evio::test
