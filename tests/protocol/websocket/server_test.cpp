// A server's WebSockets in simulation: the handshake, messages, the closing handshake, deadlines,
// back-pressure.
#include <gtest/gtest.h>

#include <chrono>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <evio/simulation.hpp>
#include <evio/websocket.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "wire.hpp"

namespace evio::test { namespace {

using namespace sim;

using namespace std::chrono_literals;
namespace ws = evio::websocket;

using Log = std::vector<std::string>;

// A server with these handlers that logs how connections end, and a peer whose handshake is done.
class WebSocketServer : public testing::Test {
 protected:
  ws::Handlers echo() {
    return {.opened = [this] { log.push_back("opened"); },
            .message = [](ws::WebSocket& socket, ws::Message message) { socket.send(message); },
            .closed = [this](ws::WebSocket&, const ws::Closed& why) { note(why); }};
  }
  void note(const ws::Closed& why) {
    log.push_back("closed " + std::to_string(static_cast<unsigned>(why.code)) +
                  (why.reason.empty() ? "" : " " + std::string(why.reason)) +
                  (why.error ? ": " + why.error.message() : ""));
  }
  Peer& serve(ws::Handlers handlers, ws::Settings settings = {}, std::string_view fields = "",
              Limits limits = {}) {
    Events events = ws::server(std::move(handlers), std::move(settings));
    events.limits = limits;
    events.failed = [this] { log.push_back("failed"); };
    sim.serve(std::move(events), "tcp://:80");
    Peer& peer = sim.connect("tcp://:80");
    peer.send(std::string(handshake) + std::string(fields) + "\r\n");
    sim.run_for(100ms);
    return peer;
  }
  // The frames since the last call, without the handshake's reply.
  std::vector<Frame> frames(Peer& peer) {
    std::vector<Frame> all;
    std::string_view bytes = peer.received();
    bytes.remove_prefix(std::min(bytes.size(), bytes.find("\r\n\r\n") + 4));
    while (auto each = next_frame(bytes)) all.push_back(*each);
    EXPECT_EQ(bytes, "");
    return all;
  }
  std::vector<Frame> say(Peer& peer, std::string_view bytes) {
    peer.send(bytes);
    sim.run_for(100ms);
    return frames(peer);
  }

  Log log;
  Simulation sim{1};
};

using Frames = std::vector<Frame>;

TEST_F(WebSocketServer, AnswersTheRfcsKey) {
  Peer& peer = serve(echo());
  EXPECT_TRUE(peer.received().starts_with("HTTP/1.1 101 Switching Protocols\r\n"))
      << peer.received();
  EXPECT_NE(peer.received().find("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            std::string::npos);
  EXPECT_EQ(peer.received().find("Sec-WebSocket-Protocol"), std::string::npos);
  EXPECT_EQ(peer.received().find("Sec-WebSocket-Extensions"), std::string::npos);
  EXPECT_EQ(log, Log{"opened"});
}

TEST_F(WebSocketServer, SendsMessagesBack) {
  Peer& peer = serve(echo());
  EXPECT_EQ(
      say(peer, frame(fin | text, "one") + frame(binary, "tw") + frame(fin | continuation, "o")),
      (Frames{{fin | text, "one"}, {fin | binary, "two"}}));
}

TEST_F(WebSocketServer, AcceptsAMessageTogetherWithTheHandshake) {
  sim.serve(ws::server(echo()), "tcp://:80");
  Peer& peer = sim.connect("tcp://:80");
  peer.send(std::string(handshake) + "\r\n" + frame(fin | text, "early"));
  sim.run_for(1s);
  EXPECT_EQ(frames(peer), (Frames{{fin | text, "early"}}));
}

TEST_F(WebSocketServer, RejectsInvalidHandshakes) {
  http::Router router;
  router.get("/ws", ws::endpoint(echo(), {.origins = {"https://Example.com"}}));
  sim.serve(http::server(std::move(router)), "tcp://:80");
  const std::string fields =
      "Host: x\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const auto without = [&](std::string_view field) {
    std::string left = fields;
    const std::size_t at = left.find(field);
    return left.erase(at, left.find("\r\n", at) + 2 - at);
  };
  const auto answer = [&](const std::string& line, const std::string& rest) {
    Peer& peer = sim.connect("tcp://:80");
    peer.send(line + "\r\n" + rest + "\r\n");
    sim.run_for(1s);
    return peer.received();
  };
  const auto status = [&](const std::string& line, const std::string& rest) {
    const std::string answered = answer(line, rest);
    return answered.size() > 12 ? std::stoi(answered.substr(9, 3)) : 0;
  };
  const std::string get = "GET /ws HTTP/1.1";
  EXPECT_EQ(status(get, fields), 101);
  EXPECT_EQ(status("GET /other HTTP/1.1", fields), 404);
  EXPECT_EQ(status("POST /ws HTTP/1.1", fields + "Content-Length: 0\r\n"), 405);
  EXPECT_EQ(status("GET /ws HTTP/1.0", fields), 400);
  EXPECT_EQ(status(get, without("Upgrade:")), 426);
  EXPECT_EQ(status(get, without("Connection:")), 400);
  EXPECT_EQ(status(get, without("Sec-WebSocket-Key")), 400);
  EXPECT_EQ(status(get, fields + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400);
  EXPECT_EQ(
      status(get, without("Sec-WebSocket-Key") + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n"),
      400);
  EXPECT_EQ(
      status(get, without("Sec-WebSocket-Key") + "Sec-WebSocket-Key: !GhlIHNhbXBsZSBub25jZQ==\r\n"),
      400);
  EXPECT_EQ(status(get, without("Sec-WebSocket-Version")), 426);
  const std::string old =
      answer(get, without("Sec-WebSocket-Version") + "Sec-WebSocket-Version: 8\r\n");
  EXPECT_TRUE(old.starts_with("HTTP/1.1 426 ")) << old;
  EXPECT_NE(old.find("\r\nSec-WebSocket-Version: 13\r\n"), std::string::npos);
  EXPECT_NE(old.find("\r\nConnection: Upgrade\r\n"), std::string::npos) << old;
  EXPECT_EQ(status(get, fields + "Origin: https://example.com\r\n"), 101);
  EXPECT_EQ(status(get, fields + "Origin: https://example.com.evil.org\r\n"), 403);
  EXPECT_EQ(status(get, fields + "Origin: null\r\n"), 403);
}

TEST_F(WebSocketServer, ChoosesTheFirstSupportedSubprotocol) {
  ws::Handlers handlers = echo();
  handlers.opened = [this](ws::WebSocket& socket) { log.push_back(socket.protocol()); };
  Peer& peer = serve(std::move(handlers), {.protocols = {"b", "c"}},
                     "Sec-WebSocket-Protocol: a, c\r\nSec-WebSocket-Protocol: b\r\n");
  EXPECT_NE(peer.received().find("\r\nSec-WebSocket-Protocol: c\r\n"), std::string::npos);
  EXPECT_EQ(log, Log{"c"});
}

TEST_F(WebSocketServer, KeepsTheRequest) {
  Peer& peer =
      serve({.requested =
                 [](ws::WebSocket& socket, http::Request& request) {
                   socket.emplace_context<std::string>(request.path());
                 },
             .opened = [](ws::WebSocket& socket) { socket.text(*socket.context<std::string>()); }});
  EXPECT_EQ(frames(peer), (Frames{{fin | text, "/chat"}}));
}

TEST_F(WebSocketServer, AnswersPingsInOrder) {
  Peer& peer = serve(echo());
  EXPECT_EQ(say(peer, frame(text, "a") + frame(fin | ping, "1") + frame(fin | pong, "unasked") +
                          frame(fin | continuation, "b") + frame(fin | ping, "2")),
            (Frames{{fin | pong, "1"}, {fin | text, "ab"}, {fin | pong, "2"}}));
}

TEST_F(WebSocketServer, AnswersAClose) {
  struct Case {
    std::string said, answered, noted;
  };
  for (const auto& [said, answered, noted] : std::vector<Case>{
           {closing(1000), closing(1000), "closed 1000"},
           {closing(3999, "so long"), closing(3999, "so long"), "closed 3999 so long"},
           {"", "", "closed 1005"},
           {"x", closing(1002), "closed 1002"},
           {closing(1005), closing(1002), "closed 1002"},
           {closing(999), closing(1002), "closed 1002"},
           {closing(2999), closing(1002), "closed 1002"},
           {closing(5000), closing(1002), "closed 1002"},
           {closing(1000, "\xff"), closing(1007), "closed 1007"}}) {
    Log ends;
    Simulation world(1);
    world.serve(ws::server({.closed =
                                [&](ws::WebSocket&, const ws::Closed& why) {
                                  ends.push_back(
                                      "closed " + std::to_string(static_cast<unsigned>(why.code)) +
                                      (why.reason.empty() ? "" : " " + std::string(why.reason)));
                                }}),
                "tcp://:80");
    Peer& peer = world.connect("tcp://:80");
    peer.send(std::string(handshake) + "\r\n" + frame(fin | close_frame, said) +
              frame(fin | text, "too late"));
    world.run_for(10s);
    EXPECT_EQ(frames(peer), (Frames{{fin | close_frame, answered}})) << noted;
    EXPECT_TRUE(peer.done());
    EXPECT_FALSE(peer.broken());
    EXPECT_EQ(ends, Log{noted});
  }
}

TEST_F(WebSocketServer, AProtocolViolationIsReportedAfterEarlierMessages) {
  Peer& peer = serve(echo());
  EXPECT_EQ(say(peer, frame(fin | text, "good") + frame(fin | rsv1 | text, "bad") +
                          frame(fin | ping, "")),
            (Frames{{fin | text, "good"}, {fin | close_frame, closing(1002)}}));
  sim.run_for(10s);
  EXPECT_TRUE(peer.done());
  EXPECT_EQ(log, (Log{"opened", "closed 1002"}));
}

TEST_F(WebSocketServer, AConnectionThatEndsWithoutACloseIsAbnormal) {
  Peer& peer = serve(echo());
  peer.shutdown_write();
  sim.run_for(10s);
  EXPECT_EQ(log, (Log{"opened", "closed 1006"}));
}

TEST_F(WebSocketServer, CloseWaitsForThePeersClose) {
  Peer& peer = serve({.message =
                          [this](ws::WebSocket& socket, ws::Message) {
                            socket.text("last words");
                            socket.close(websocket::CloseCode{4000}, "enough");
                            EXPECT_FALSE(socket.is_open());
                            EXPECT_FALSE(socket.text("not sent"));
                            socket.close(websocket::CloseCode{4001});
                            log.push_back("message");
                          },
                      .closed = [this](ws::WebSocket&, const ws::Closed& why) { note(why); }});
  EXPECT_EQ(say(peer, frame(fin | text, "1") + frame(fin | text, "2")),
            (Frames{{fin | text, "last words"}, {fin | close_frame, closing(4000, "enough")}}));
  EXPECT_EQ(log, Log{"message"});
  say(peer, frame(fin | close_frame, closing(4000)));
  EXPECT_EQ(log, (Log{"message", "closed 4000"}));
}

TEST_F(WebSocketServer, WaitsNoLongerThanCloseTimeout) {
  Peer& peer = serve({.opened = [](ws::WebSocket& socket) { socket.close(); },
                      .closed = [this](ws::WebSocket&, const ws::Closed& why) { note(why); }},
                     {.close_timeout = 2s});
  sim.run_for(1s);
  EXPECT_FALSE(peer.ended());
  sim.run_for(10s);
  EXPECT_TRUE(peer.done());
  EXPECT_EQ(log, Log{"closed 1006"});
}

TEST_F(WebSocketServer, RejectsInvalidArgumentsOfSend) {
  serve({.opened = [](ws::WebSocket& socket) {
    for (const int code : {0, 999, 1004, 1006, 1015, 1016, 2999, 5000})
      EXPECT_THROW(socket.close(static_cast<websocket::CloseCode>(code)), std::invalid_argument)
          << code;
    EXPECT_THROW(socket.close(websocket::CloseCode::normal, std::string(124, 'x')),
                 std::invalid_argument);
    EXPECT_THROW(socket.close(websocket::CloseCode::normal, "\xff"), std::invalid_argument);
    EXPECT_THROW(socket.close(ws::CloseCode::no_status, "x"), std::invalid_argument);
    EXPECT_THROW(socket.ping(std::string(126, 'x')), std::invalid_argument);
    EXPECT_TRUE(socket.is_open());
  }});
  EXPECT_THROW(ws::server({}, {.deflate = ws::Deflate{.window_bits = 8}}), std::invalid_argument);
  EXPECT_THROW(ws::server({}, {.protocols = {"a b"}}), std::invalid_argument);
  EXPECT_THROW(ws::server({}, {.close_timeout = -1ms}), std::invalid_argument);
  EXPECT_THROW(ws::server({}, {.ping_interval = -1ms}), std::invalid_argument);
}

TEST_F(WebSocketServer, ASilentPeerIsPingedAndThenClosed) {
  Peer& peer = serve(echo(), {.ping_interval = 10s});
  sim.run_for(11s);
  EXPECT_EQ(frames(peer), (Frames{{fin | ping, ""}}));
  say(peer, frame(fin | pong, ""));
  sim.run_for(20s);
  EXPECT_EQ(frames(peer).size(), 2U);
  EXPECT_EQ(log, Log{"opened"});
  sim.run_for(20s);
  EXPECT_TRUE(peer.done());
  EXPECT_EQ(log.back(), "closed 1006: " + std::make_error_code(std::errc::timed_out).message());
}

TEST_F(WebSocketServer, PongsAreReported) {
  Peer& peer =
      serve({.opened = [](ws::WebSocket& socket) { socket.ping("are you there"); },
             .pong = [this](ws::WebSocket&,
                            std::string_view payload) { log.push_back(std::string(payload)); }});
  EXPECT_EQ(frames(peer), (Frames{{fin | ping, "are you there"}}));
  say(peer, frame(fin | pong, "are you there"));
  EXPECT_EQ(log, Log{"are you there"});
}

TEST_F(WebSocketServer, AnExceptionEndsItWith1011) {
  Peer& peer =
      serve({.message = [](ws::WebSocket&, ws::Message) { throw std::runtime_error("no"); },
             .closed = [this](ws::WebSocket&, const ws::Closed& why) { note(why); }});
  EXPECT_EQ(say(peer, frame(fin | text, "x")), (Frames{{fin | close_frame, closing(1011)}}));
  sim.run_for(10s);
  EXPECT_EQ(log,
            (Log{"failed", "closed 1011: " + make_error_code(Errc::handler_failed).message()}));
}

TEST_F(WebSocketServer, AnExceptionEndsNoOtherConnection) {
  const auto maybe_throw = [](ws::WebSocket& socket, std::string_view where) {
    if (socket.protocol() == where) throw std::runtime_error(std::string(where));
  };
  sim.serve(
      ws::server(
          {.requested = [&](ws::WebSocket& socket,
                            http::Request&) { maybe_throw(socket, "requested"); },
           .opened =
               [&](ws::WebSocket& socket) {
                 socket.handle().post([&](ws::WebSocket& later) { maybe_throw(later, "post"); });
                 maybe_throw(socket, "opened");
               },
           .message =
               [&](ws::WebSocket& socket, ws::Message message) {
                 maybe_throw(socket, "message");
                 socket.send(message);
               },
           .pong = [&](ws::WebSocket& socket, std::string_view) { maybe_throw(socket, "pong"); },
           .closed = [&](ws::WebSocket& socket) { maybe_throw(socket, "closed"); }},
          {.protocols = {"requested", "opened", "post", "message", "pong", "closed"}}),
      "tcp://:80");
  const auto asks = [&](std::string_view protocol) {
    Peer& peer = sim.connect("tcp://:80");
    peer.send(std::string(handshake) + "Sec-WebSocket-Protocol: " + std::string(protocol) +
              "\r\n\r\n");
    sim.run_for(100ms);
    return &peer;
  };
  Peer& bystander = *asks("none");
  for (const std::string_view where : {"opened", "post", "message", "pong"}) {
    Peer& peer = *asks(where);
    peer.send(frame(fin | pong, "") + frame(fin | text, "x"));
    sim.run_for(10s);
    const Frames got = frames(peer);
    ASSERT_FALSE(got.empty()) << where;
    EXPECT_EQ(got.back(), (Frame{fin | close_frame, closing(1011)})) << where;
    EXPECT_TRUE(peer.done()) << where;
  }
  EXPECT_TRUE(asks("requested")->received().starts_with("HTTP/1.1 500"));
  asks("closed")->reset();
  EXPECT_EQ(say(bystander, frame(fin | text, "still here")).back(),
            (Frame{fin | text, "still here"}));
}

TEST_F(WebSocketServer, CompressesMessagesAboveTheMinimum) {
  Peer& peer = serve(
      echo(), {}, "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n");
  EXPECT_NE(peer.received().find(
                "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                "server_max_window_bits=12\r\n"),
            std::string::npos);
  const Frames got =
      say(peer, frame(fin | text, "small") + frame(fin | text, std::string(1000, 'x')) +
                    frame(fin | rsv1 | text, std::string("\xf2\x48\xcd\xc9\xc9\x07\x00", 7)));
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0], (Frame{fin | text, "small"}));
  EXPECT_EQ(got[1].first, fin | rsv1 | text);
  EXPECT_LT(got[1].payload.size(), 50U);
  EXPECT_EQ(got[2], (Frame{fin | text, "Hello"}));
}

TEST_F(WebSocketServer, StopsReadingWhileThePeerDoesNotRead) {
  std::size_t messages = 0;
  Peer& peer = serve({.message =
                          [&](ws::WebSocket& socket, ws::Message message) {
                            ++messages;
                            socket.send(message);
                          },
                      .drained = [this] { log.push_back("drained"); }},
                     {.ping_interval = Duration::zero()}, "",
                     {.output_high = 100'000, .output_low = 10'000});
  peer.stop_reading();
  for (int i = 0; i < 2000; ++i) peer.send(frame(fin | text, std::string(1000, 'x')));
  sim.run_for(10s);
  EXPECT_LT(messages, 1500U);
  EXPECT_EQ(log, Log{});
  peer.start_reading();
  sim.run_for(60s);
  EXPECT_EQ(messages, 2000U);
  EXPECT_EQ(frames(peer).size(), 2000U);
  EXPECT_GE(log.size(), 1U);
}

TEST_F(WebSocketServer, APausedConnectionReadsNothing) {
  Peer& peer = serve({.message = [this](ws::WebSocket& socket, ws::Message message) {
    log.push_back(std::string(message.bytes));
    if (message.bytes != "1") return;
    socket.pause();
    socket.conn().run_after(5s, [&socket](Conn&) { socket.resume(); });
  }});
  say(peer, frame(fin | text, "1") + frame(fin | text, "2"));
  peer.send(frame(fin | text, "3"));
  sim.run_for(2s);
  EXPECT_EQ(log, Log{"1"});
  sim.run_for(5s);
  EXPECT_EQ(log, (Log{"1", "2", "3"}));
}

TEST_F(WebSocketServer, HandlesSendInOrderAndMayOutliveTheConnection) {
  ws::Handle handle;
  Peer& peer = serve({.requested =
                          [&](ws::WebSocket& socket, http::Request&) {
                            handle = socket.handle();
                            handle.send({.bytes = "before it opened"});
                          },
                      .opened = [](ws::WebSocket& socket) { socket.text("opened"); }});
  sim.run_for(1s);
  handle.send({.bytes = "1"});
  handle.post([](ws::WebSocket& socket) { socket.text("2"); });
  handle.send(ws::Kind::binary, SharedBytes("3"));
  handle.close(websocket::CloseCode{4000});
  handle.send({.bytes = "4"});
  sim.run_for(1s);
  EXPECT_EQ(frames(peer), (Frames{{fin | text, "opened"},
                                  {fin | text, "before it opened"},
                                  {fin | text, "1"},
                                  {fin | text, "2"},
                                  {fin | binary, "3"},
                                  {fin | close_frame, closing(4000)}}));
  EXPECT_THROW(handle.close(websocket::CloseCode{1006}), std::invalid_argument);
  sim.run_for(1min);
  EXPECT_FALSE(handle.send({.bytes = "nobody"}));
}

TEST_F(WebSocketServer, DrainSendsGoingAwayAndEndsWithTheReply) {
  Peer& peer = serve({.message =
                          [](ws::WebSocket& socket, ws::Message message) {
                            socket.send(message);
                            socket.conn().server().drain(1h);
                          },
                      .closed = [this](ws::WebSocket&, const ws::Closed& why) { note(why); }});
  EXPECT_EQ(say(peer, frame(fin | text, "x")),
            (Frames{{fin | text, "x"}, {fin | close_frame, closing(1001)}}));
  EXPECT_EQ(log, Log{});
  say(peer, frame(fin | close_frame, closing(1001)));
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(log, Log{"closed 1001"});
}

TEST_F(WebSocketServer, DrainWaitsForTheReplyNoLongerThanCloseTimeout) {
  Peer& peer = serve({.opened = [](ws::WebSocket& socket) { socket.conn().server().drain(1h); },
                      .closed = [this](ws::WebSocket&, const ws::Closed& why) { note(why); }},
                     {.close_timeout = 2s});
  EXPECT_EQ(frames(peer), (Frames{{fin | close_frame, closing(1001)}}));
  sim.run_for(4s);
  EXPECT_TRUE(peer.done());
  EXPECT_EQ(log, Log{"closed 1006"});
}

TEST_F(WebSocketServer, ShutdownSendsGoingAway) {
  Peer& peer = serve(
      {.message = [](ws::WebSocket& socket, ws::Message) { socket.conn().server().shutdown(); }});
  EXPECT_EQ(say(peer, frame(fin | text, "x")), (Frames{{fin | close_frame, closing(1001)}}));
}

TEST_F(WebSocketServer, AMessageMayBeSentUncompressed) {
  const std::string large(1000, 'x');
  Peer& peer =
      serve({.opened =
                 [&](ws::WebSocket& socket) {
                   socket.send({.bytes = large, .compress = false});
                   socket.send(ws::Kind::binary, SharedBytes(std::string(large)), false);
                   socket.handle().send({.bytes = large, .compress = false});
                   socket.handle().send(ws::Kind::binary, SharedBytes(std::string(large)), false);
                   socket.handle().send({.bytes = large});
                 }},
            {}, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  const Frames got = frames(peer);
  ASSERT_EQ(got.size(), 5U);
  for (const std::size_t i : {0U, 1U, 2U, 3U})
    EXPECT_EQ(got[i], (Frame{fin | (i % 2 == 0 ? text : binary), large})) << i;
  EXPECT_EQ(got[4].first, fin | rsv1 | text);
}

TEST_F(WebSocketServer, ShutdownCallsClosed) {
  Peer& peer = serve(
      {.message = [](ws::WebSocket& socket, ws::Message) { socket.conn().server().shutdown(); },
       .closed = [this](ws::WebSocket&, const ws::Closed& why) { note(why); }});
  say(peer, frame(fin | text, "x"));
  sim.run_for(10s);
  EXPECT_EQ(log, Log{"closed 1006"});
}

}  // namespace
}  // namespace evio::test
