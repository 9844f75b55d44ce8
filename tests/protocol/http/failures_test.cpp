// Requests that are not answered, exceptions of handlers, and the error replies of the server.
#include <gtest/gtest.h>

#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <evio/simulation.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "world.hpp"

namespace evio::test { namespace {

using namespace sim;

TEST(HttpFailures, ARequestThatNobodyAnswersGets500) {
  std::optional<http::ResponseHandle> later;
  Router router;
  router.get("/nothing", [](Request&, Response& response) {
    response.status(204).add("Content-Encoding", "gzip");
  });
  router.get("/dropped", [&](Request&, Response& response) { later = response.handle(); });
  router.get("/throws", [](Request&, Response&) { throw std::runtime_error("no"); });
  World world(std::move(router));
  EXPECT_EQ(world.ask(get("/nothing")),
            "HTTP/1.1 500 Internal Server Error\r\n" + std::string(common) +
                "Content-Type: text/plain\r\nContent-Length: 21\r\n\r\nInternal Server Error");
  EXPECT_EQ(world.ask(get("/dropped")), "");
  later.reset();
  EXPECT_TRUE(world.ask("").starts_with("HTTP/1.1 500 "));
  EXPECT_TRUE(world.ask(get("/throws")).starts_with("HTTP/1.1 500 "));
  EXPECT_EQ(world.failures, 1);
  EXPECT_TRUE(world.peer->done());
}

// Without a `failed` handler the other connections are served, too.
TEST(HttpFailures, AnExceptionClosesOnlyItsConnection) {
  Router router;
  router.get("/throws", [](Request& request, Response& response) {
    response.add("A", request.param("none") + "\r\n");
  });
  router.get("/", [](Request&, Response& response) { response.text("ok"); });
  Simulation sim(1);
  sim.serve(http::server(std::move(router)), "tcp://:80");
  Peer& peer = sim.connect("tcp://:80");
  peer.send(get("/throws") + get("/"));
  sim.run_for(3s);
  EXPECT_TRUE(peer.received().starts_with("HTTP/1.1 500 ")) << peer.received();
  EXPECT_NE(peer.received().find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(peer.received().find("ok"), std::string::npos);
  EXPECT_TRUE(peer.ended());
  Peer& other = sim.connect("tcp://:80");
  other.send(get("/"));
  sim.run_for(3s);
  EXPECT_TRUE(other.received().ends_with("ok"));
}

// Whichever callback throws: the client receives an error reply or sees an incomplete reply, and
// the connection ends.
TEST(HttpFailures, ExceptionsInEveryCallbackAreReported) {
  const auto no = [] { throw std::runtime_error("no"); };
  const std::string put = " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
  for (const auto& [request, status, end] :
       {std::tuple(get("/later"), "500", "Internal Server Error"),
        std::tuple(get("/begun"), "200", "5\r\nbegun\r\n"),
        std::tuple(get("/producer"), "200", "8\r\nproduced\r\n"),
        std::tuple("PUT /body" + put, "500", "Internal Server Error"),
        std::tuple("PUT /header" + put, "500", "Internal Server Error")}) {
    std::optional<http::ResponseHandle> later;
    Router router;
    router.get("/later", [&](Request&, Response& response) { later = response.handle(); });
    router.get("/begun", [&](Request&, Response& response) {
      response.write("begun");
      no();
    });
    router.get("/producer", [&](Request&, Response& response) {
      response.produce([&, calls = 0](Response& to) mutable {
        if (++calls == 2) no();
        to.write("produced");
      });
    });
    router.stream("PUT", "/body", [&](Request& from, Response&) {
      from.receive([&](Request&, Response&, std::string_view) { no(); });
    });
    router.stream("PUT", "/header", [&](Request&, Response&) { no(); });
    World world(std::move(router));
    std::string answer = world.ask(request + get("/later"));
    if (later) {
      later->post([&](Response&) { no(); });
      answer = world.ask("");
    }
    EXPECT_EQ(answer.substr(9, 3), status) << request;
    EXPECT_TRUE(answer.ends_with(end)) << answer;
    EXPECT_EQ(world.failures, 1) << request;
    EXPECT_TRUE(world.peer->done() || world.peer->ended()) << request;
  }
}

// The fields that the handler added belonged to another reply.
TEST(HttpFailures, ErrorRepliesHaveNoFieldsOfTheHandler) {
  for (const auto& [rest, status] :
       {std::pair("Content-Length: 11\r\n\r\n", "413"),
        std::pair("Transfer-Encoding: chunked\r\n\r\nzz\r\nhello", "400"),
        std::pair("Content-Length: 5\r\n\r\n", "408")}) {
    Router router;
    router.stream("PUT", "/", [](Request& from, Response& response) {
      response.add("Set-Cookie", "a=b").add("ETag", "\"c\"").type("d/e");
      from.limit_body(10);
      from.receive([](Request&, Response&, std::string_view) {});
    });
    World world(std::move(router));
    world.ask("PUT / HTTP/1.1\r\nHost: x\r\n" + std::string(rest));
    world.sim.run_for(60s);
    const std::string& answer = world.peer->received();
    EXPECT_EQ(answer.substr(9, 3), status);
    for (const char* field : {"Set-Cookie", "ETag", "d/e"})
      EXPECT_EQ(answer.find(field), answer.npos) << field;
  }
}

}  // namespace
}  // namespace evio::test
