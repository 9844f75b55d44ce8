// The server, in simulation: immediate, streamed and late replies; limits, deadlines, compression.
#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <evio/simulation.hpp>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "support/bytes.hpp"
#include "world.hpp"

namespace evio::test { namespace {

using namespace sim;

TEST(HttpServer, ARepliesBytesAreExact) {
  Router router;
  router.get("/json", [](Request&, Response& response) { response.add("X-A", "b").json("{}"); });
  World world(std::move(router));
  EXPECT_EQ(world.ask(get("/json")),
            "HTTP/1.1 200 OK\r\n" + std::string(common) +
                "X-A: b\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(HttpServer, LateRepliesKeepTheirOrder) {
  std::vector<http::ResponseHandle> later;
  Router router;
  router.get("/later", [&](Request&, Response& response) { later.push_back(response.handle()); });
  router.get("/now", [](Request&, Response& response) { response.text("now"); });
  World world(std::move(router));
  EXPECT_EQ(world.ask(get("/later") + get("/now")), "");
  ASSERT_EQ(later.size(), 1U);
  EXPECT_TRUE(later[0].post([](Response& response) { response.text(response.request().path()); }));
  const std::string answers = world.ask("");
  EXPECT_LT(answers.find("/later"), answers.find("now"));
  EXPECT_NE(answers.find("now"), answers.npos);
  later[0].post([](Response&) { FAIL() << "it has ended"; });
  EXPECT_EQ(world.ask(""), "");
}

TEST(HttpServer, ATlsClientHelloIsRejectedImmediately) {
  World world(Router{});
  EXPECT_EQ(world.ask("\x16\x03").substr(0, 12), "HTTP/1.1 400");
  EXPECT_TRUE(world.peer->ended());
}

TEST(HttpServer, ContradictoryRepliesAreAnError) {
  using std::chrono::milliseconds;
  const auto refused = [](http::Settings settings) {
    EXPECT_THROW(http::server(Router{}, std::move(settings)), std::invalid_argument);
  };
  refused({.header_timeout = milliseconds(-1)});
  refused({.body_timeout = milliseconds(-1)});
  refused({.send_timeout = milliseconds(-1)});
  refused({.idle_timeout = milliseconds(-1)});
  const std::function<void(Request&, Response&)> none;
  EXPECT_THROW(http::server(none), std::invalid_argument);
  EXPECT_THROW(Router().get("/", none), std::invalid_argument);
  EXPECT_THROW(Router().stream("POST", "/", nullptr), std::invalid_argument);
}

TEST(HttpServer, FieldsCannotBeInjected) {
  Router router;
  router.get("/", [](Request&, Response& response) {
    EXPECT_THROW(response.add("X", "a\r\nSet-Cookie: b"), std::invalid_argument);
    EXPECT_THROW(response.add("X: a\r\nY", "b"), std::invalid_argument);
    EXPECT_THROW(response.add("X", std::string_view("\0", 1)), std::invalid_argument);
    EXPECT_THROW(response.add("Content-Length", "5"), std::invalid_argument);
    EXPECT_THROW(response.type("a\nb"), std::invalid_argument);
    response.send(204);
    EXPECT_THROW(response.add("X", "too late"), std::logic_error);
    EXPECT_THROW(response.text("again"), std::logic_error);
  });
  World world(std::move(router));
  EXPECT_EQ(world.ask(get("/")), "HTTP/1.1 204 No Content\r\n" + std::string(common) + "\r\n");
}

TEST(HttpServer, AReplyHasOneContentType) {
  Router router;
  router.get("/", [](Request&, Response& response) {
    response.add("content-type", "a/b").length(0).end();
  });
  router.get("/text",
             [](Request&, Response& response) { response.add("Content-Type", "a/b").text(""); });
  World world(std::move(router));
  const auto typed = [](std::string_view type) {
    return "HTTP/1.1 200 OK\r\n" + std::string(common) + "Content-Type: " + std::string(type) +
           "\r\nContent-Length: 0\r\n\r\n";
  };
  EXPECT_EQ(world.ask(get("/") + get("/text")), typed("a/b") + typed("text/plain"));
}

TEST(HttpServer, ResetContentHasNoContentType) {
  Router router;
  router.get("/", [](Request&, Response& response) { response.send(205); });
  router.get("/text",
             [](Request&, Response& response) { response.status(205).text("none of this"); });
  router.get("/pieces", [](Request&, Response& response) {
    EXPECT_FALSE(response.status(205).type("text/plain").write("none of this"));
    response.end();
  });
  World world(std::move(router));
  for (const char* path : {"/", "/text", "/pieces"})
    EXPECT_EQ(world.ask(get(path)), "HTTP/1.1 205 Reset Content\r\n" + std::string(common) +
                                        "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n");
}

// The client would take a body for the tunnel's bytes.
TEST(HttpServer, ConnectHasNoBody) {
  Events events =
      http::server([](Request&, Response& response) { response.text("none of this"); }, settings());
  Simulation sim(1);
  sim.serve(std::move(events), "tcp://:80");
  Peer& peer = sim.connect("tcp://:80");
  peer.send("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
  sim.run_for(1s);
  EXPECT_EQ(peer.received(),
            "HTTP/1.1 200 OK\r\n" + std::string(common) + "Connection: close\r\n\r\n");
}

TEST(HttpServer, LastModifiedIsNeverInTheFuture) {
  Router router;
  router.get("/", [](Request&, Response& response) {
    response.add("last-modified", "Fri, 31 Dec 2099 23:59:59 GMT").send(204);
  });
  World world(std::move(router));
  EXPECT_NE(world.ask(get("/")).find("last-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
            std::string::npos);
}

TEST(HttpServer, ADeclaredLengthReservesNoMemory) {
  http::Settings with = settings();
  with.body_max = SIZE_MAX;
  Router router;
  router.put("/", [](Request&, Response& response) { response.send(204); });
  World world(std::move(router), std::move(with));
  EXPECT_EQ(
      world.ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\nhello"),
      "");
  EXPECT_EQ(world.failures, 0);
  EXPECT_FALSE(world.peer->done());
}

// In whatever form the body is given, and whatever Limits::output_max is.
void large_answers(const Limits& limits) {
  const std::string body = pattern(300 << 10);
  Router router;
  router.get("/text", [&](Request&, Response& response) { response.send("a/b", body); });
  router.get("/buffer",
             [&](Request&, Response& response) { response.send("a/b", SharedBytes(body)); });
  router.get("/piece", [&](Request&, Response& response) {
    EXPECT_FALSE(response.length(body.size()).write(body));
    EXPECT_THROW(response.write(body), std::logic_error);
    response.end();
  });
  router.get("/chunk", [&](Request&, Response& response) {
    EXPECT_FALSE(response.write(SharedBytes(body)));
    EXPECT_THROW(response.write("more"), std::length_error);
    response.end();
  });
  World world(std::move(router), settings(), limits);
  for (const char* path : {"/text", "/buffer", "/piece"}) {
    const std::string answers = world.ask(get(path) + get("/none"));
    EXPECT_TRUE(is_prefix(body, body_of(answers))) << path;
    EXPECT_TRUE(
        answers.substr(answers.find("\r\n\r\n") + 4 + body.size()).starts_with("HTTP/1.1 404 "))
        << path;
  }
  EXPECT_EQ(body_of(world.ask(get("/chunk"))), "4b000\r\n" + body + "\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(world.ask(get("/text", "Connection: close\r\n"))), body);
  EXPECT_TRUE(world.peer->ended());
  EXPECT_EQ(world.failures, 0);
}

TEST(HttpServer, AReplyMayHaveAnySize) {
  large_answers({.output_high = 16 << 10, .output_low = 4 << 10, .output_max = 100 << 10});
  large_answers({.output_max = 100 << 10});  // less than output_high
}

TEST(HttpServer, TheHostFieldIsChecked) {
  Router router;
  router.get("/", [](Request& request, Response& response) { response.text(request.host()); });
  World world(std::move(router));
  EXPECT_EQ(body_of(world.ask(get("/"))), "x");
  EXPECT_EQ(body_of(world.ask(get("http://other:80/"))), "other:80");
  EXPECT_EQ(body_of(world.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")), "");
}

TEST(HttpServer, AReplyMayBeSentInPiecesWithTrailers) {
  Router router;
  router.get("/", [](Request&, Response& response) {
    response.type("text/plain").write("hello");
    response.write(SharedBytes(" world"));
    response.trailer("X-Sum", "11").end();
  });
  World world(std::move(router));
  EXPECT_EQ(body_of(world.ask(get("/"))), "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n");
  EXPECT_EQ(body_of(world.ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")), "");
  const std::string until_close = world.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(body_of(until_close), "hello world");
  EXPECT_TRUE(world.peer->ended());
}

TEST(HttpServer, AnEndlessBodyTakesBoundedMemory) {
  constexpr std::uint64_t size = 20 << 20;
  std::size_t most = 0;
  Router router;
  router.get("/", [&](Request&, Response& response) {
    response.length(size).produce([&most, left = size](Response& to) mutable {
      const std::string piece(64 << 10, 'x');
      for (bool ready = true; ready && left > 0; left -= piece.size())
        ready = static_cast<bool>(to.write(piece));
      most = std::max(most, to.request().conn().pending_output());
      if (left == 0) to.end();
    });
  });
  World world(std::move(router), settings(), {.output_high = 256 << 10, .output_low = 64 << 10});
  world.peer->send(get("/"));
  std::uint64_t received = 0;
  for (int i = 0; i < 100000 && received < size; ++i) {
    world.sim.run_for(10ms);
    received += world.peer->received().size();
    world.peer->forget_received();
  }
  EXPECT_GT(received, size);
  EXPECT_LT(most, std::size_t{512} << 10);
}

// The body is not sent: the producer of an endless body must not be called for it.
TEST(HttpServer, HeadOfAnEndlessBodyIsAnswered) {
  int writes = 0;
  Router router;
  router.get("/", [&](Request&, Response& response) {
    response.produce([&](Response& to) {
      while (writes++ < 1000 && to.write("more and more and more")) {
      }
    });
  });
  router.get("/204", [&](Request&, Response& response) {
    response.status(204).produce([&](Response& to) { to.write("nothing of this"); });
  });
  World world(std::move(router));
  const std::string head = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string whole =
      "HTTP/1.1 200 OK\r\n" + std::string(common) + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(world.ask(head + head), whole + whole);
  EXPECT_EQ(writes, 2);
  EXPECT_EQ(world.ask(get("/204")), "HTTP/1.1 204 No Content\r\n" + std::string(common) + "\r\n");
}

TEST(HttpServer, AClientThatReadsNothingIsReset) {
  Router router;
  router.get("/", [](Request&, Response& response) {
    response.produce([](Response& to) {
      while (to.write("more and more and more")) {
      }
    });
  });
  World world(std::move(router));
  world.peer->stop_reading();
  world.peer->send(get("/"));
  world.sim.run_for(70s);
  world.peer->start_reading();
  world.sim.run_for(1s);
  EXPECT_TRUE(world.peer->broken());
}

// Neither side reads: neither waits for ever, and the memory held meanwhile is bounded.
TEST(HttpServer, CongestionOfBothSidesResolves) {
  std::size_t most = 0;
  Router router;
  router.stream("PUT", "/", [&](Request& request, Response&) {
    request.receive([&](Request&, Response& response, std::string_view piece) {
      if (!piece.empty()) response.write(piece);
      most = std::max(most, response.request().conn().pending_output());
    });
  });
  World world(std::move(router), settings(), {.output_high = 64 << 10, .output_low = 16 << 10});
  world.peer->stop_reading();
  world.peer->send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" +
                   std::string(16 << 20, 'x'));
  world.sim.run_for(20s);
  EXPECT_FALSE(world.peer->done());
  world.sim.run_for(60s);
  world.peer->start_reading();
  world.sim.run_for(1s);
  EXPECT_TRUE(world.peer->broken());
  EXPECT_LT(most, std::size_t{1} << 20);
}

TEST(HttpServer, AStreamedBodyAppliesBackPressure) {
  std::string body;
  std::optional<http::ResponseHandle> handle;
  Router router;
  router.stream("PUT", "/:name", [&](Request& request, Response& response) {
    handle = response.handle();
    request.receive([&](Request& from, Response& to, std::string_view piece) {
      if (piece.empty()) {
        std::string said = from.param("name") + " " + std::to_string(body.size());
        for (const auto& [name, value] : from.trailers())
          said.append(" ").append(name).append("=").append(value);
        return to.text(said);
      }
      body += piece;
      from.pause();
    });
  });
  World world(std::move(router));
  world.peer->send(
      "PUT /a%20b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: "
      "chunked\r\n\r\n");
  world.sim.run_for(1s);
  EXPECT_EQ(world.peer->received(), "HTTP/1.1 100 Continue\r\n\r\n");
  world.peer->send("5\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n" + get("/none"));
  world.sim.run_for(1h);  // no timeout reply: it is the server that waits
  EXPECT_LT(body.size(), 6U);
  for (int i = 0; i < 30; ++i) {
    handle->post([](Response& response) { response.request().resume(); });
    world.sim.run_for(1s);
  }
  EXPECT_EQ(body, "hello world");
  EXPECT_NE(world.peer->received().find("a b 11 A=b"), std::string::npos) << world.peer->received();
  EXPECT_NE(world.peer->received().find("405"), std::string::npos);
}

TEST(HttpServer, StreamedBodiesAreLimited) {
  for (const auto& [request, status] :
       {std::pair("Content-Length: 10\r\n\r\n0123456789", "204"),
        std::pair("Content-Length: 11\r\n\r\n", "413"),
        std::pair("Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n", "413")}) {
    Router router;
    router.stream("PUT", "/", [](Request& from, Response&) {
      from.limit_body(10);
      from.receive([](Request&, Response& to, std::string_view piece) {
        if (piece.empty()) to.send(204);
      });
    });
    World world(std::move(router));
    EXPECT_EQ(world.ask("PUT / HTTP/1.1\r\nHost: x\r\n" + std::string(request)).substr(9, 3),
              status);
  }
}

TEST(HttpServer, AReplyBeforeTheBodyEndsTheConnection) {
  Router router;
  router.stream("PUT", "/", [](Request&, Response& response) { response.send(403); });
  World world(std::move(router));
  const std::string answer =
      world.ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n" + get("/"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_NE(answer.find("Connection: close\r\n"), answer.npos);
  EXPECT_EQ(answer.find("404"), answer.npos);
  EXPECT_TRUE(world.peer->ended());
}

// The output drains while a later request's body is still arriving: no reply is late then.
TEST(HttpServer, ABodyMayArriveAfterTheOutputHasDrained) {
  Router router;
  router.get("/", [](Request&, Response& response) { response.text(std::string(12 << 10, 'a')); });
  router.post("/", [](Request& request, Response& response) { response.text(request.body()); });
  World world(std::move(router), settings(), {.output_high = 8 << 10, .output_low = 4 << 10});
  world.peer->stop_reading();
  std::string requests;
  for (int i = 0; i < 4; ++i) requests += get("/");
  world.peer->send(requests + "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
  world.sim.run_for(1s);
  world.peer->start_reading();
  world.sim.run_for(1s);
  EXPECT_EQ(world.peer->received().find("500"), std::string::npos);
  EXPECT_TRUE(world.ask("llo").ends_with("\r\n\r\nhello"));
}

// A client that sends a byte each second.
std::string drip(std::string_view bytes, int seconds) {
  World world(Router{});
  for (int i = 0; i < seconds; ++i) {
    world.peer->send(bytes.substr(static_cast<std::size_t>(i) % bytes.size(), 1));
    world.sim.run_for(1s);
  }
  return world.peer->done() || world.peer->ended() ? world.peer->received().substr(0, 12) + " ended"
                                                   : "goes on";
}

TEST(HttpServer, DeadlinesAreEnforced) {
  const std::string header = "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(2000, 'x');
  EXPECT_EQ(drip(header, 8), "goes on");
  EXPECT_EQ(drip(header, 12), "HTTP/1.1 408 ended");
  World body(Router{});
  body.peer->send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
  body.sim.run_for(20s);
  EXPECT_EQ(body.peer->received(), "");
  body.peer->send(std::string(20 << 10, 'x'));  // adds 20 seconds
  body.sim.run_for(28s);
  EXPECT_EQ(body.peer->received(), "");
  body.sim.run_for(10s);
  EXPECT_EQ(body.peer->received().substr(9, 3), "408");
  World silent(Router{});  // the time does not depend on how much has arrived before
  silent.peer->send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" +
                    std::string(900 << 10, 'x'));
  silent.sim.run_for(28s);
  EXPECT_EQ(silent.peer->received(), "");
  silent.sim.run_for(10s);
  EXPECT_EQ(silent.peer->received().substr(0, 12), "HTTP/1.1 408");
  World idle(Router{});
  idle.ask(get("/"));
  idle.sim.run_for(50s);
  EXPECT_FALSE(idle.peer->ended());
  idle.sim.run_for(20s);
  EXPECT_TRUE(idle.peer->ended());
}

std::string inflated(std::string_view bytes) {
  z_stream z{};
  inflateInit2(&z, 15 + 16);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  std::string out(1 << 20, 0);
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  inflate(&z, Z_FINISH);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

TEST(HttpServer, GzipIsNegotiated) {
  const std::string text(5000, 'a');
  Router router;
  router.get("/upper", [&](Request&, Response& response) { response.send("Text/HTML", text); });
  router.get("/whole",
             [&](Request&, Response& response) { response.add("etag", "\"e\"").text(text); });
  router.get("/pieces", [&](Request&, Response& response) {
    response.type("text/plain").write(text);
    response.write("tail");
    response.end();
  });
  router.get("/image", [&](Request&, Response& response) { response.send("image/png", text); });
  World world(std::move(router));
  const std::string whole = world.ask(get("/whole", "Accept-Encoding: br, gzip;q=0.5\r\n"));
  EXPECT_NE(whole.find("Content-Encoding: gzip\r\n"), whole.npos);
  EXPECT_NE(whole.find("Vary: Accept-Encoding\r\n"), whole.npos);
  EXPECT_NE(whole.find("etag: W/\"e\"\r\n"), whole.npos) << whole;
  EXPECT_EQ(inflated(body_of(whole)), text);
  const std::string head =
      world.ask("HEAD /whole HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(head, whole.substr(0, whole.size() - body_of(whole).size()));
  EXPECT_EQ(body_of(world.ask(get("/whole", "Accept-Encoding: gzip;q=0\r\n"))), text);
  for (const char* none :
       {"*;q=0", "*, gzip;q=0", "gzip;Q=0.0", "identity", "gzipx", "", "identity;q=1, gzip;q=0.5",
        "gzip;q=0.001, identity", "identity;q=0.9, *;q=0.899"})
    EXPECT_EQ(body_of(world.ask(get("/whole", "Accept-Encoding: " + std::string(none) + "\r\n"))),
              text)
        << none;
  for (const char* some :
       {"*", "*;q=0, gzip", "GZIP;q=0.001", "x-gzip", "br\r\nAccept-Encoding: gzip",
        "identity;q=0.5, gzip;q=1.0", "gzip ; q=0.5, identity;q=0.5", "identity; q=0, gzip;q=0.1"})
    EXPECT_EQ(inflated(body_of(
                  world.ask(get("/whole", "Accept-Encoding: " + std::string(some) + "\r\n")))),
              text)
        << some;
  EXPECT_EQ(inflated(body_of(world.ask(get("/upper", "Accept-Encoding: gzip\r\n")))), text);
  EXPECT_EQ(body_of(world.ask(get("/image", "Accept-Encoding: gzip\r\n"))), text);
  const std::string pieces = world.ask(get("/pieces", "Accept-Encoding: gzip\r\n"));
  std::string body = body_of(pieces), compressed;
  for (std::size_t at = 0, size = 1; size > 0;) {
    size = std::stoul(body.substr(at), nullptr, 16);
    at = body.find("\r\n", at) + 2;
    compressed += body.substr(at, size);
    at += size + 2;
  }
  EXPECT_EQ(inflated(compressed), text + "tail");
}

TEST(HttpServer, EachConnectionHasAUserContext) {
  Router router;
  router.get("/", [](Request& request, Response& response) {
    int* count = request.context<int>();
    if (!count) count = &request.emplace_context<int>(0);
    response.text(std::to_string(++*count));
  });
  World world(std::move(router));
  EXPECT_EQ(body_of(world.ask(get("/"))), "1");
  EXPECT_EQ(body_of(world.ask(get("/"))), "2");
}

// Under every fault replies arrive complete and in order, or the connection breaks.
TEST(HttpServer, WorksUnderFaults) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Simulation sim(seed, Faults::swarm(seed));
    Router router;
    router.post("/",
                [](Request& request, Response& response) { response.send("a/b", request.body()); });
    Events events = http::server(std::move(router), settings());
    sim.serve(std::move(events), "tcp://:80");
    Peer& peer = sim.connect("tcp://:80");
    std::string expected;
    for (int i = 0; i < 50; ++i) {
      const std::string body = pattern(sim.random(3000), static_cast<unsigned>(i));
      const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
      peer.send("POST / HTTP/1.1\r\nHost: x\r\n" + length + "\r\n" + body);
      expected += "HTTP/1.1 200 OK\r\n" + std::string(common) + "Content-Type: a/b\r\n" + length +
                  "\r\n" + body;
      sim.run_for(10ms);
    }
    peer.shutdown_write();
    sim.run_for(10min);
    EXPECT_TRUE(is_prefix(peer.received(), expected)) << "seed " << seed;
    EXPECT_TRUE(peer.broken() || peer.ended()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace evio::test
