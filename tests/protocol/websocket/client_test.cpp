// WebSocket clients in simulation, with our own server and with misbehaving servers.
#include <gtest/gtest.h>

#include <chrono>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <evio/websocket.hpp>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace evio::test { namespace {

using namespace std::chrono_literals;
namespace ws = evio::websocket;

using Log = std::vector<std::string>;

// A client on a loop of its own server, in a world with other servers.
class WebSocketClient : public testing::Test {
 protected:
  void connect(std::string url, ws::Handlers handlers, ws::Settings settings = {}) {
    handlers.closed = [this](ws::WebSocket&, const ws::Closed& why) {
      log.push_back("closed " + std::to_string(static_cast<unsigned>(why.code)) +
                    (why.reason.empty() ? "" : " " + std::string(why.reason)) +
                    (why.error ? ": " + why.error.message() : ""));
    };
    Events events;
    events.loop_started = [url = std::move(url), handlers = std::move(handlers),
                           settings = std::move(settings)](Loop& loop) mutable {
      ws::connect(loop, url, std::move(handlers), std::move(settings));
    };
    sim.serve(std::move(events), "tcp://127.0.0.1:81");
  }
  // A server that sends this reply to every request.
  void answer(std::string text) {
    Events events;
    events.data = [text = std::move(text)](Conn& conn, Input& in) {
      if (in.view().find("\r\n\r\n") == in.view().npos) return;
      in.take();
      conn.write(text);
    };
    sim.serve(std::move(events), "tcp://127.0.0.1:80");
  }
  Log outcome_of(std::string text, ws::Settings settings = {}) {
    answer(std::move(text));
    connect("ws://127.0.0.1", {.opened = [this] { log.push_back("opened"); }}, std::move(settings));
    sim.run_for(1min);
    return log;
  }

  const std::string refused = ": " + std::make_error_code(std::errc::protocol_error).message();
  Log log;
  Simulation sim{1};
};

ws::Handlers echo() {
  return {.message = [](ws::WebSocket& socket, ws::Message message) { socket.send(message); }};
}

TEST_F(WebSocketClient, TalksToAServer) {
  for (const bool compressed : {false, true}) {
    log.clear();
    const std::string port = compressed ? "1001" : "1000";
    ws::Settings settings{.message_max = 1 << 20, .protocols = {"chat"}};
    if (!compressed) settings.deflate.reset();
    ws::Handlers handlers = echo();
    handlers.requested = [this](ws::WebSocket&, http::Request& request) {
      log.push_back(std::string(request.target()) + " " + std::string(request.field("Host")) + " " +
                    std::string(request.field("Authorization")));
    };
    sim.serve(ws::server(std::move(handlers), settings), "tcp://127.0.0.1:" + port);
    const std::string large(300'000, 'l');
    ws::Settings ours = settings;
    ours.fields = {{"Authorization", "Basic x"}};
    Events events;
    events.loop_started = [&, port](Loop& loop) {
      ws::Handlers mine;
      mine.opened = [&](ws::WebSocket& socket) {
        log.push_back("opened " + socket.protocol());
        EXPECT_EQ(socket.compresses(), compressed);
        socket.text("hello");
        socket.binary(large);
        socket.send(ws::Kind::text, SharedBytes("buffer"));
        socket.ping("p");
      };
      mine.message = [&](ws::WebSocket& socket, ws::Message message) {
        log.push_back(message.bytes == large ? "large" : std::string(message.bytes));
        if (message.bytes == "buffer") socket.close(websocket::CloseCode{3000}, "bye");
      };
      mine.pong = [this](ws::WebSocket&, std::string_view payload) {
        log.push_back("pong " + std::string(payload));
      };
      mine.closed = [this](ws::WebSocket&, const ws::Closed& why) {
        log.push_back("closed " + std::to_string(static_cast<unsigned>(why.code)) + " " +
                      std::string(why.reason));
      };
      ws::connect(loop, "ws://127.0.0.1:" + port + "/path?query", std::move(mine), ours);
    };
    sim.serve(std::move(events), "tcp://127.0.0.1:0");
    sim.run_for(1min);
    EXPECT_EQ(log, (Log{"/path?query 127.0.0.1:" + port + " Basic x", "opened chat", "hello",
                        "large", "buffer", "closed 3000 bye"}));
  }
}

TEST_F(WebSocketClient, IsUsableBeforeItIsOpen) {
  sim.serve(ws::server(echo()), "tcp://127.0.0.1:80");
  Events events;
  events.loop_started = [this](Loop& loop) {
    ws::WebSocket* socket = ws::connect(
        loop, "ws://127.0.0.1", {.message = [this](ws::WebSocket& me, ws::Message message) {
          log.push_back(*me.context<std::string>() + std::string(message.bytes));
        }});
    ASSERT_TRUE(socket);
    EXPECT_FALSE(socket->is_open());
    EXPECT_FALSE(socket->text("dropped"));
    socket->emplace_context<std::string>("context, ");
    socket->handle().send({.bytes = "handle"});
  };
  sim.serve(std::move(events), "tcp://127.0.0.1:81");
  sim.run_for(1s);
  EXPECT_EQ(log, Log{"context, handle"});
}

TEST_F(WebSocketClient, NobodyThere) {
  connect("ws://127.0.0.1:9", {});
  sim.run_for(1min);
  EXPECT_EQ(log,
            Log{"closed 1006: " + std::make_error_code(std::errc::connection_refused).message()});
}

TEST_F(WebSocketClient, AServerThatDeclines) {
  EXPECT_EQ(outcome_of("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
            Log{"closed 1006 the server answered 403" + refused});
}

TEST_F(WebSocketClient, AnAnswerToSomebodyElsesKey) {
  EXPECT_EQ(
      outcome_of("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
      Log{"closed 1006 Sec-WebSocket-Accept is wrong" + refused});
}

TEST_F(WebSocketClient, NoWebSocket) {
  EXPECT_EQ(
      outcome_of("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
      Log{"closed 1006 the server answered 101, but not for WebSocket" + refused});
}

TEST_F(WebSocketClient, AnOlderHttp) {
  EXPECT_EQ(
      outcome_of(
          "HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
      Log{"closed 1006 the server answered 101, but not for WebSocket" + refused});
}

TEST_F(WebSocketClient, AListInSeveralFields) {  // only the key is wrong
  EXPECT_EQ(
      outcome_of(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n"
          "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"),
      Log{"closed 1006 Sec-WebSocket-Accept is wrong" + refused});
}

TEST_F(WebSocketClient, NoHttp) {
  EXPECT_EQ(outcome_of("220 mail ready\r\n\r\n"),
            Log{"closed 1006 the answer is not HTTP" + refused});
}

TEST_F(WebSocketClient, AHeaderWithoutEnd) {
  EXPECT_EQ(outcome_of("HTTP/1.1 101 x\r\nX: " + std::string(10'000, 'x')),
            Log{"closed 1006 the answer's header is too long" + refused});
}

TEST_F(WebSocketClient, NoAnswer) {
  EXPECT_EQ(outcome_of("HTTP/1.1"), Log{"closed 1006 no answer in time" + refused});
}

TEST_F(WebSocketClient, InterimAnswersAreSkipped) {
  const std::string interim =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n";
  EXPECT_EQ(outcome_of(interim + "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
            Log{"closed 1006 the server answered 403" + refused});
}

TEST_F(WebSocketClient, WritesTheHandshakesFieldsItself) {
  Events events;
  events.loop_started = [](Loop& loop) {
    for (const char* name :
         {"Host", "connection", "Upgrade", "Sec-WebSocket-Key", "sec-websocket-protocol",
          "Sec-WebSocket-X", "Content-Length", "Transfer-Encoding"})
      EXPECT_THROW(ws::connect(loop, "ws://127.0.0.1", {}, {.fields = {{name, "1"}}}),
                   std::invalid_argument)
          << name;
  };
  sim.serve(std::move(events), "tcp://127.0.0.1:81");
  sim.run_for(1s);
}

TEST_F(WebSocketClient, ShutdownSaysGoingAway) {
  sim.serve(
      ws::server({.closed =
                      [this](ws::WebSocket&, const ws::Closed& why) {
                        log.push_back("peer " + std::to_string(static_cast<unsigned>(why.code)));
                      }}),
      "tcp://127.0.0.1:80");
  connect("ws://127.0.0.1",
          {.opened = [](ws::WebSocket& socket) { socket.conn().server().shutdown(); }});
  sim.run_for(1min);
  EXPECT_EQ(log, (Log{"peer 1001", "closed 1006"}));
}

TEST_F(WebSocketClient, ShutdownTellsClosed) {
  sim.serve(ws::server(echo()), "tcp://127.0.0.1:80");
  connect("ws://127.0.0.1", {.opened = [this](ws::WebSocket& socket) {
            log.push_back("opened");
            socket.conn().server().shutdown();
          }});
  sim.run_for(1min);
  EXPECT_EQ(log, (Log{"opened", "closed 1006"}));
}

TEST_F(WebSocketClient, UrlsThatNothingCanConnectTo) {
  Events events;
  events.loop_started = [](Loop& loop) {
    for (const char* url : {"", "ws://", "http://host", "wss://host", "ws://host:port",
                            "ws://user@host", "ws://a b", "ws://host/#x", "ws://[::1"})
      EXPECT_THROW(ws::connect(loop, url, {}), Error) << url;
  };
  sim.serve(std::move(events), "tcp://127.0.0.1:81");
  sim.run_for(1s);
}

}  // namespace
}  // namespace evio::test
