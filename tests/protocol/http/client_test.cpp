// The HTTP client in simulation, with our own server and with misbehaving peers.
#include <gtest/gtest.h>

#include <chrono>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <evio/simulation.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace evio::test { namespace {

using namespace std::chrono_literals;

// A server with `events`, and a client on a loop of another server.
struct World {
  explicit World(Events events, http::ClientSettings settings = {}) {
    sim.serve(std::move(events), "tcp://127.0.0.1:80");
    sim.serve({.loop_started =
                   [this, settings](Loop& own) {
                     loop = &own;
                     client.emplace(own, settings);
                     for (http::ClientRequest& call : calls)
                       client->call(std::move(call), [this](http::ClientResponse reply) {
                         replies.push_back(std::move(reply));
                       });
                   },
               .loop_stopped = [this](Loop&) { client.reset(); }},
              "tcp://127.0.0.1:81");
  }
  // Keeps the calls and runs for a minute, in which their replies arrive.
  template <class... Calls>
  void call(Calls... each) {
    (calls.push_back(std::move(each)), ...);
    sim.run_for(60s);
  }

  // Runs a function on the client's loop.
  void run(Callback<void()> fn) {
    loop->post(std::move(fn));
    sim.run_for(10s);
  }

  Loop* loop = nullptr;
  std::optional<http::Client> client;
  std::vector<http::ClientRequest> calls;
  std::vector<http::ClientResponse> replies;
  Simulation sim{1};
};

struct Count {
  int opened = 0;
};

Events server(Count& count) {
  http::Router router;
  router.get("/hello", [](http::Request& request, http::Response& response) {
    response.text(request.query());
  });
  router.post("/echo", [](http::Request& request, http::Response& response) {
    response.type("text/plain").write(request.body());
    response.end();
  });
  router.get("/never",
             [kept = std::make_shared<std::vector<http::ResponseHandle>>()](
                 http::Request&, http::Response& response) { kept->push_back(response.handle()); });
  Events events = http::server(std::move(router));
  events.opened = [opened = std::move(events.opened), &count](Conn& conn) {
    ++count.opened;
    return opened(conn);
  };
  return events;
}

TEST(HttpClient, ReusesConnections) {
  Count count;
  World world(server(count), {.connections_max = 1});
  for (int i = 0; i < 20; ++i)
    world.calls.push_back({.url = "http://127.0.0.1/hello?" + std::to_string(i)});
  world.call(
      http::ClientRequest{.method = "POST", .url = "http://127.0.0.1:80/echo", .body = "body"},
      http::ClientRequest{.method = "HEAD", .url = "http://127.0.0.1/hello?head"});
  ASSERT_EQ(world.replies.size(), 22U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(world.replies[i].body, std::to_string(i));
  EXPECT_EQ(world.replies[20].body, "body");
  EXPECT_EQ(world.replies[20].field("transfer-encoding"), "chunked");
  EXPECT_EQ(world.replies[21].status, 200);
  EXPECT_EQ(world.replies[21].body, "");
  EXPECT_EQ(count.opened, 1);
}

TEST(HttpClient, ReportsErrors) {
  Count count;
  World world(server(count), {.timeout = 5s});
  world.call(http::ClientRequest{.url = "http://127.0.0.1/never"},
             http::ClientRequest{.url = "http://127.0.0.1:9/"},
             http::ClientRequest{.url = "http://127.0.0.1/none"});
  ASSERT_EQ(world.replies.size(), 3U);
  std::vector<std::string> errors;
  for (const http::ClientResponse& reply : world.replies)
    errors.push_back(reply.error ? reply.error.message() : std::to_string(reply.status));
  std::sort(errors.begin(), errors.end());
  EXPECT_EQ(errors,
            (std::vector<std::string>{"404", "Connection refused", "Connection timed out"}));
}

TEST(HttpClient, InvalidUrlsAndFieldsAreAnError) {
  Count count;
  World world(server(count));
  world.sim.run_for(1s);
  const auto nobody = [](http::ClientResponse) { FAIL(); };
  for (const char* url : {"", "127.0.0.1", "https://x/", "http://", "http:///p", "http://:80/",
                          "http://u@h/", "http://x/a b"})
    EXPECT_THROW(world.client->get(url, nobody), Error) << url;
  for (const auto& [url, words] :
       {std::pair("HTTPS://x/", "TLS"), std::pair("http://u:p@h/", "Authorization")})
    try {
      world.client->get(url, nobody);
      ADD_FAILURE() << url;
    } catch (const Error& error) {
      EXPECT_NE(error.problem().find(words), std::string::npos) << error.what();
    }
  EXPECT_THROW(static_cast<void>(http::Client(*world.loop, {.connections_max = 0})),
               std::invalid_argument);
  EXPECT_THROW(static_cast<void>(http::Client(*world.loop, {.timeout = std::chrono::seconds(-1)})),
               std::invalid_argument);
  EXPECT_THROW(world.client->call({.method = "G T", .url = "http://x/"}, nobody),
               std::invalid_argument);
  EXPECT_THROW(world.client->call({.method = "CONNECT", .url = "http://x/"}, nobody),
               std::invalid_argument);
  for (const auto& [name, value] :
       {std::pair("A", "b\r\nC: d"), std::pair("host", "y"), std::pair("Content-Length", "0"),
        std::pair("transfer-encoding", "chunked")})
    EXPECT_THROW(world.client->call({.url = "http://x/", .fields = {{name, value}}}, nobody),
                 std::invalid_argument)
        << name;
}

// How the client parses a server's reply of these bytes.
std::string reply_to(const std::string& said, bool closes) {
  World world({.data =
                   [&](Conn& conn, Input& in) {
                     in.take();
                     conn.write(said);
                     return closes ? Action::close : Action::none;
                   }},
              {.header_max = 1000, .body_max = 100, .timeout = 20s});
  world.call(http::ClientRequest{.method = "POST", .url = "http://127.0.0.1/"});
  if (world.replies.size() != 1) return "no reply";
  const http::ClientResponse& reply = world.replies[0];
  return reply.error ? reply.error.message() : std::to_string(reply.status) + " " + reply.body;
}

TEST(HttpClient, ParsesRepliesOfServers) {
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\n\r\nuntil the end", true), "200 until the end");
  EXPECT_EQ(
      reply_to("HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false),
      "200 ok");
  EXPECT_EQ(
      reply_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n",
               false),
      "200 ok");
  EXPECT_EQ(reply_to("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false), "304 ");
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", true),
            "Connection reset by peer");
  EXPECT_EQ(reply_to("", true), "Connection reset by peer");
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nContent-Length:\r\n 2\r\n\r\nok", false), "200 ok");
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\n folded\r\n\r\n", true), "Bad message");
  EXPECT_EQ(reply_to("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", false), "200 ok");
  EXPECT_EQ(reply_to("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", false), "200 ok");
  EXPECT_EQ(
      reply_to("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", true),
      "Bad message");
  EXPECT_EQ(reply_to("SSH-2.0\r\n\r\n", true), "Bad message");
  for (const char* bad :
       {"Content-Length: 2\r\nContent-Length: 3\r\n", "Content-Length: 2, 3\r\n",
        "Content-Length: +2\r\n", "Content-Length : 2\r\n", "Content-Length: 2\nA: b\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"})
    EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\n" + std::string(bad) + "\r\nok", true), "Bad message")
        << bad;
  for (const char* bad : {"HTTP/1.1 099 ", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/2.0 200 OK",
                          "HTTP/1.1  200 OK", "HTTP/1.1 101 X"})
    EXPECT_EQ(reply_to(std::string(bad) + "\r\nContent-Length: 2\r\n\r\nok", false), "Bad message")
        << bad;
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", true),
            "Connection reset by peer");
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokok\r\n0\r\n\r\n",
                     false),
            "Bad message");
  EXPECT_EQ(reply_to("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/", false), "204 ");
  EXPECT_EQ(reply_to("HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 2\r\n\r\nok", false),
            "301 ok");
  EXPECT_EQ(reply_to("HTTP/1.1 100 Continue\r\n\r\n", true), "Connection reset by peer");
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nA: " + std::string(1000, 'x'), false), "Message too long");
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), true), "Message too long");
  EXPECT_EQ(reply_to("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false),
            "Connection timed out");
}

TEST(HttpClient, AFoldedFieldIsOneField) {
  World world({.data = [](Conn& conn, Input& in) {
    in.take();
    conn.write(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: one \r\n\t two\r\n three\r\nB: four\r\n\r\n");
  }});
  world.call(http::ClientRequest{.url = "http://127.0.0.1/"});
  ASSERT_EQ(world.replies.size(), 1U);
  EXPECT_EQ(world.replies[0].field("a"), "one two three");
  EXPECT_EQ(world.replies[0].field("b"), "four");
}

// The request that the server at 127.0.0.1 receives.
std::string request_for(http::ClientRequest call) {
  std::string asked;
  World world({.data = [&](Conn& conn, Input& in) {
    asked += in.take();
    conn.write("HTTP/1.1 204 No Content\r\n\r\n");
  }});
  world.call(std::move(call));
  EXPECT_EQ(world.replies.size(), 1U);
  return asked;
}

TEST(HttpClient, SendsTheExpectedRequests) {
  const std::string plain = "GET /?q HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  EXPECT_EQ(request_for({.url = "http://127.0.0.1?q"}), plain);
  EXPECT_EQ(request_for({.url = "HTTP://127.0.0.1/?q#fragment/@"}), plain);
  EXPECT_TRUE(request_for({.url = "http://127.0.0.1:/"})
                  .starts_with("GET / HTTP/1.1\r\nHost: 127.0.0.1:\r\n"));
}

TEST(HttpClient, AZoneIsNotSent) {
  std::string asked;
  std::optional<http::Client> client;
  Simulation sim(1);
  sim.serve({.data = [&](Conn&, Input& in) { asked += in.take(); }}, "tcp://[fe80::1%2]:80");
  sim.serve({.loop_started =
                 [&](Loop& loop) {
                   client.emplace(loop);
                   client->get("http://[fe80::1%252]:80/", [](http::ClientResponse) {});
                 },
             .loop_stopped = [&](Loop&) { client.reset(); }},
            "tcp://127.0.0.1:81");
  sim.run_for(5s);
  EXPECT_EQ(asked, "GET / HTTP/1.1\r\nHost: [fe80::1]:80\r\n\r\n");
}

// Which side announces that the connection closes, and in which version.
TEST(HttpClient, ReusesOnlyPersistentConnections) {
  const auto connections = [](const std::string& version_and_fields, http::ClientRequest call) {
    int opened = 0;
    World world({.opened = [&](Conn&) { ++opened; },
                 .data =
                     [&](Conn& conn, Input& in) {
                       in.take();
                       conn.write("HTTP/1." + version_and_fields + "Content-Length: 2\r\n\r\nok");
                     }},
                {.idle_timeout = 1h});
    world.call(std::move(call));
    world.client->get("http://127.0.0.1/",
                      [](http::ClientResponse reply) { EXPECT_EQ(reply.body, "ok"); });
    world.sim.run_for(5s);
    return opened;
  };
  const std::string url = "http://127.0.0.1/";
  EXPECT_EQ(connections("1 200 OK\r\n", {.url = url}), 1);
  EXPECT_EQ(connections("1 200 OK\r\nConnection: Close\r\n", {.url = url}), 2);
  EXPECT_EQ(connections("0 200 OK\r\n", {.url = url}), 2);
  EXPECT_EQ(connections("0 200 OK\r\nConnection: keep-alive\r\n", {.url = url}), 1);
  EXPECT_EQ(connections("0 200 OK\r\nConnection: keep-alive, close\r\n", {.url = url}), 2);
  EXPECT_EQ(connections("1 200 OK\r\n", {.url = url, .fields = {{"connection", "TE, Close"}}}), 2);
}

// Bytes after a reply were not requested: they do not become the reply to the next call.
TEST(HttpClient, BytesAfterAReplyAreNotTheNextReply) {
  const std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  for (const std::string& more :
       {reply, std::string("x"), "HTTP/1.1 204 No Content\r\n\r\n" + reply}) {
    int opened = 0;
    World world({.opened = [&](Conn&) { ++opened; },
                 .data =
                     [&](Conn& conn, Input& in) {
                       if (in.take().ends_with("\r\n\r\n"))
                         conn.write(opened == 1 ? reply + more : reply);
                     }},
                {.connections_max = 1});
    world.call(http::ClientRequest{.url = "http://127.0.0.1/1"},
               http::ClientRequest{.url = "http://127.0.0.1/2"});
    ASSERT_EQ(world.replies.size(), 2U);
    EXPECT_EQ(world.replies[1].body, "ok");
    EXPECT_EQ(opened, 2);
  }
}

TEST(HttpClient, ALargeBodyIsSent) {
  std::size_t received = 0;
  http::Router router;
  router.stream("PUT", "/", [&](http::Request& request, http::Response&) {
    request.receive([&](http::Request&, http::Response& response, std::string_view piece) {
      received += piece.size();
      if (piece.empty()) response.send(204);
    });
  });
  World world(http::server(std::move(router)));
  world.call(http::ClientRequest{
      .method = "PUT", .url = "http://127.0.0.1/", .body = std::string(20 << 20, 'x')});
  ASSERT_EQ(world.replies.size(), 1U);
  EXPECT_EQ(world.replies[0].status, 204) << world.replies[0].error.message();
  EXPECT_EQ(received, std::size_t{20} << 20);
}

// Writes until 32 MiB are written or the connection refuses more.
Events well_of_words(std::size_t& said) {
  http::Router router;
  router.get("/", [&said](http::Request&, http::Response& response) {
    response.add("A", "b").length(32 << 20).produce([&said](http::Response& out) {
      const std::string piece(16 << 10, 'x');
      while (said < std::size_t{32} << 20) {
        said += piece.size();
        if (!out.write(piece)) return;
      }
      out.end();
    });
  });
  return http::server(std::move(router));
}

TEST(HttpClient, APausedReplyAppliesBackPressure) {
  std::size_t said = 0, received = 0;
  World world(well_of_words(said));
  world.sim.run_for(1s);
  std::vector<std::string> heard;
  http::ClientCall call;
  call = world.client->call(
      {.url = "http://127.0.0.1/",
       .begun =
           [&](const http::ClientResponse& reply) {
             heard.push_back(std::string(reply.field("a")));
           },
       .receive =
           [&](std::string_view piece) {
             if (received == 0) call.pause();
             received += piece.size();
           }},
      [&](http::ClientResponse reply) { heard.push_back(std::to_string(reply.status)); });
  world.sim.run_for(10s);
  EXPECT_EQ(heard, std::vector<std::string>{"b"});
  EXPECT_GT(received, 0U);
  EXPECT_LT(received, std::size_t{1} << 20);
  EXPECT_LT(said, std::size_t{8} << 20);
  world.run([&] { call.resume(); });
  EXPECT_EQ(heard, (std::vector<std::string>{"b", "200"}));
  EXPECT_EQ(received, std::size_t{32} << 20);
  world.run([&] {
    call.pause();  // the call is over
    call.cancel();
  });
}

TEST(HttpClient, AReplyPausedAtItsHeadDeliversNoBody) {
  for (const std::string body : {"", "body"}) {
    World world({.data = [&](Conn& conn, Input& in) {
      in.take();
      conn.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                 body);
    }});
    world.sim.run_for(1s);
    std::string heard;
    http::ClientCall call;
    world.run([&] {
      call = world.client->call({.url = "http://127.0.0.1/",
                                 .begun = [&](const http::ClientResponse&) { call.pause(); },
                                 .receive = [&](std::string_view piece) { heard += piece; }},
                                [&](http::ClientResponse) { heard += "."; });
    });
    EXPECT_EQ(heard, body.empty() ? "." : "");
    world.run([&] { call.resume(); });
    EXPECT_EQ(heard, body + ".");
  }
}

TEST(HttpClient, ARetriedCallIsStillPaused) {
  Conn* kept = nullptr;
  int asked = 0;
  World world({.opened = [&](Conn& conn) { kept = &conn; },
               .data =
                   [&](Conn& conn, Input& in) {
                     in.take();
                     ++asked;
                     conn.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                   }});
  world.sim.run_for(1s);
  std::string heard;
  world.run([&] { world.client->get("http://127.0.0.1/", [](http::ClientResponse) {}); });
  ASSERT_EQ(asked, 1);
  http::ClientCall call;
  world.run([&] {
    call = world.client->get("http://127.0.0.1/",
                             [&](http::ClientResponse reply) { heard = reply.body; });
    call.pause();
    kept->abort();
  });
  EXPECT_EQ(heard, "");
  world.run([&] { call.resume(); });
  EXPECT_EQ(heard, "ok");
  EXPECT_EQ(asked, 2);
}

TEST(HttpClient, ACancelledCallGetsNoReply) {
  enum class When { waiting, on_the_way, begun, received };
  for (const bool whole_client : {false, true})
    for (const When when : {When::waiting, When::on_the_way, When::begun, When::received}) {
      std::size_t said = 0;
      World world(well_of_words(said), {.connections_max = 1});
      world.sim.run_for(1s);
      const auto guard = std::make_shared<int>();  // released together with the call
      http::ClientCall call;
      const auto give_up = [&] {
        if (whole_client) world.client.reset();
        call.cancel();
      };
      world.run([&] {
        call = world.client->call({.url = "http://127.0.0.1/",
                                   .begun =
                                       [&, guard](const http::ClientResponse&) {
                                         if (when == When::begun) give_up();
                                       },
                                   .receive =
                                       [&, guard](std::string_view) {
                                         EXPECT_EQ(when, When::received);
                                         give_up();
                                       }},
                                  [guard](http::ClientResponse) { FAIL(); });
        if (when == When::waiting) give_up();
        if (when == When::on_the_way) world.loop->post(give_up);
      });
      EXPECT_EQ(guard.use_count(), 1);
      if (whole_client) continue;
      said = std::size_t{32} << 20;
      std::string reply;
      world.run([&] {
        world.client->get("http://127.0.0.1/none",
                          [&](http::ClientResponse next) { reply = std::to_string(next.status); });
      });
      EXPECT_EQ(reply, "404") << "its place is free again";
    }
}

// A server that replies to each piece of the request stops reading when the client does not read.
TEST(HttpClient, AReplyIsReadThoughTheRequestCannotBeSent) {
  http::Router router;
  router.stream("PUT", "/", [](http::Request& request, http::Response&) {
    request.receive([](http::Request&, http::Response& response, std::string_view piece) {
      if (piece.empty()) return response.end();
      response.write(piece);
    });
  });
  World world(http::server(std::move(router)),
              {.body_max = 64 << 20, .limits = {.output_high = 64 << 10}});
  const std::string body(20 << 20, 'x');
  world.call(http::ClientRequest{.method = "PUT", .url = "http://127.0.0.1/", .body = body});
  ASSERT_EQ(world.replies.size(), 1U);
  EXPECT_FALSE(world.replies[0].error) << world.replies[0].error.message();
  EXPECT_EQ(world.replies[0].body.size(), body.size());
}

void large_request(const Limits& limits) {
  std::size_t received = 0;
  http::Router router;
  router.stream("PUT", "/", [&](http::Request& request, http::Response&) {
    request.receive([&](http::Request&, http::Response& response, std::string_view piece) {
      received += piece.size();
      if (piece.empty()) response.send(204);
    });
  });
  World world(http::server(std::move(router)), {.limits = limits});
  world.call(http::ClientRequest{
      .method = "PUT", .url = "http://127.0.0.1/", .body = std::string(2 << 20, 'x')});
  ASSERT_EQ(world.replies.size(), 1U);
  EXPECT_EQ(world.replies[0].status, 204) << world.replies[0].error.message();
  EXPECT_EQ(received, std::size_t{2} << 20);
}

TEST(HttpClient, ARequestOfAnySizeIsSent) {
  large_request({.output_high = 32 << 10, .output_low = 8 << 10, .output_max = 64 << 10});
  large_request({.output_max = 64 << 10});  // less than output_high
}

// The client's own server continues to work, too.
TEST(HttpClient, AnExceptionAtALateReplyClosesOnlyItsConnection) {
  Count count;
  World world(server(count), {.timeout = 5s});
  world.sim.run_for(1s);
  world.run([&] {
    world.client->get("http://127.0.0.1/never", [](http::ClientResponse reply) {
      EXPECT_EQ(reply.error, std::errc::timed_out);
      throw std::runtime_error("no");
    });
  });
  world.run([&] {
    world.client->get("http://127.0.0.1/hello?q", [&](http::ClientResponse reply) {
      world.replies.push_back(std::move(reply));
    });
  });
  ASSERT_EQ(world.replies.size(), 1U);
  EXPECT_EQ(world.replies[0].body, "q");
}

TEST(HttpClient, AnEarlyErrorReplyIsReported) {
  Count count;
  World world(server(count));
  world.call(
      http::ClientRequest{
          .method = "POST", .url = "http://127.0.0.1/echo", .body = std::string(20 << 20, 'x')},
      http::ClientRequest{.url = "http://127.0.0.1/hello?next"});
  ASSERT_EQ(world.replies.size(), 2U);
  std::string said;
  for (const http::ClientResponse& reply : world.replies)
    said += reply.error ? reply.error.message() : std::to_string(reply.status) + " ";
  EXPECT_TRUE(said == "413 200 " || said == "200 413 ") << said;
}

// The server may want the rest of the request nevertheless.
TEST(HttpClient, AnEarlySuccessDoesNotTruncateTheRequest) {
  std::size_t received = 0;
  World world({.data = [&](Conn& conn, Input& in) {
    if (received == 0) conn.write("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok");
    received += in.take().size();
  }});
  world.call(http::ClientRequest{
      .method = "POST", .url = "http://127.0.0.1/", .body = std::string(20 << 20, 'x')});
  ASSERT_EQ(world.replies.size(), 1U);
  EXPECT_EQ(world.replies[0].body, "ok") << world.replies[0].error.message();
  EXPECT_GT(received, std::size_t{20} << 20);
}

// All idle connections may be as dead as the one on which the call failed.
TEST(HttpClient, ACallIsRetriedOnANewConnection) {
  int opened = 0;
  World world({.opened =
                   [&](Conn& conn) {
                     ++opened;
                     conn.emplace_context<int>(0);
                   },
               .data =
                   [&](Conn& conn, Input& in) {
                     in.take();
                     if (++*conn.context<int>() > 1) return conn.abort();
                     conn.run_after(1s, [](Conn& c) {
                       c.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                     });
                   }},
              {.idle_timeout = 1h});
  for (int i = 0; i < 8; ++i) world.calls.push_back({.url = "http://127.0.0.1/"});
  world.call();
  EXPECT_EQ(opened, 8);
  ASSERT_EQ(world.replies.size(), 8U);
  world.run([&] {
    world.client->get("http://127.0.0.1/", [&](http::ClientResponse reply) {
      world.replies.push_back(std::move(reply));
    });
  });
  ASSERT_EQ(world.replies.size(), 9U);
  EXPECT_EQ(world.replies[8].body, "ok") << world.replies[8].error.message();
  EXPECT_EQ(opened, 9);
}

TEST(HttpClient, AClosedIdleConnectionIsNotAnError) {
  http::Settings settings;
  settings.idle_timeout = 2s;
  http::Router router;
  router.get("/", [](http::Request&, http::Response& response) { response.text("hello"); });
  World world(http::server(std::move(router), std::move(settings)));
  world.call(http::ClientRequest{.url = "http://127.0.0.1/"});
  world.client->get("http://127.0.0.1/",
                    [&](http::ClientResponse reply) { world.replies.push_back(std::move(reply)); });
  world.sim.run_for(5s);
  ASSERT_EQ(world.replies.size(), 2U);
  EXPECT_EQ(world.replies[1].body, "hello");
}

}  // namespace
}  // namespace evio::test
