// Over real sockets: a server that refuses a large request, and closes without having read it, is heard.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <optional>
#include <string>

#include "support/behaviour.hpp"

namespace evio::test {
namespace {

// Listens; answers one request, of which it reads a little, and closes.
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
    EXPECT_EQ(::send(fd, refusal.data(), refusal.size(), MSG_NOSIGNAL), static_cast<ssize_t>(refusal.size()));
    ::shutdown(fd, SHUT_WR);
    std::this_thread::sleep_for(50ms);  // behind it comes a reset: there is unread input
    ::close(fd);
  }

 private:
  const int listener_;
  int port_;
};

class HttpEarlyReply : public Behaviour {};
EVIO_ON_EVERY_BACKEND_WITH_LOOPS(HttpEarlyReply, 1);

TEST_P(HttpEarlyReply, IsHeard) {
  const Refuser refuser;
  Gate replied;
  http::Reply reply;
  std::optional<http::Client> client;
  TestServer server = serve({.loop_stopped = [&](Loop&) { client.reset(); }});
  server.on_loop(0, [&] {
    client.emplace(server->loop(0));
    http::Call call{.method = "POST", .url = "http://127.0.0.1:" + std::to_string(refuser.port()) + "/"};
    call.body.assign(32 * mib, 'x');
    client->call(std::move(call), [&](http::Reply got) {
      reply = std::move(got);
      replied.open();
    });
  });
  refuser.refuse_one();
  ASSERT_TRUE(replied.wait());
  EXPECT_EQ(reply.status, 413) << reply.error.message();
  EXPECT_EQ(reply.body, "no");
}

}  // namespace
}  // namespace evio::test
