// The result of WebSocket frames, at a server and at a client, does not depend on how they were
// split.
#include <algorithm>
#include <chrono>
#include <evio/simulation.hpp>
#include <evio/websocket.hpp>
#include <string>
#include <string_view>

#include "bytes.hpp"
#include "check.hpp"
#include "protocol/websocket/handshake.hpp"

namespace {

namespace ws = evio::websocket;

const ws::Settings settings{.message_max = 4096,
                            .deflate = ws::Deflate{.size_min = 0},
                            .ping_interval = evio::Duration::zero()};

// Logs all events, and echoes messages.
ws::Handlers noting(std::string& log) {
  return {.opened = [&log] { log += "opened\n"; },
          .message =
              [&log](ws::WebSocket& socket, ws::Message message) {
                log.append(message.kind == ws::Kind::text ? "text " : "binary ")
                    .append(message.bytes)
                    .append("\n");
                socket.send(message);
              },
          .pong =
              [&log](ws::WebSocket&, std::string_view payload) {
                log.append("pong ").append(payload).append("\n");
              },
          .closed =
              [&log](ws::WebSocket&, const ws::Closed& why) {
                log.append("closed ")
                    .append(std::to_string(static_cast<unsigned>(why.code)))
                    .append(why.reason)
                    .append("\n");
              }};
}

void send(evio::Simulation& sim, std::string_view bytes, std::size_t piece, const auto& to) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    to(bytes.substr(0, piece));
    sim.run_for(std::chrono::milliseconds(10));
  }
}

std::string at_server(std::string_view extensions, std::string_view bytes, std::size_t piece) {
  std::string log;
  evio::Simulation sim(1);
  sim.serve(ws::server(noting(log), settings), "tcp://:80");
  evio::sim::Peer& peer = sim.connect("tcp://:80");
  peer.send(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
      std::string("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: ") +
      std::string(extensions) + "\r\n\r\n");
  sim.run_for(std::chrono::seconds(1));
  send(sim, bytes, piece, [&](std::string_view some) { peer.send(some); });
  peer.shutdown_write();
  sim.run_for(std::chrono::minutes(2));
  CHECK(peer.done());
  const std::string& received = peer.received();
  const std::size_t end = received.find("\r\n\r\n");
  return log + (received.starts_with("HTTP/1.1 101") ? received.substr(end) : std::string());
}

std::string answer_to(std::string_view request) {
  constexpr std::string_view name = "Sec-WebSocket-Key: ";
  const std::string_view key = request.substr(request.find(name) + name.size(), 24);
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Accept: " +
         ws::accept_of(key) +
         "\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12\r\n\r\n";
}

// With or without a correct handshake reply before the bytes.
std::string at_client(bool answered, std::string_view bytes, std::size_t piece) {
  std::string log, request;
  evio::Handle server;
  evio::Simulation sim(1);
  evio::Events events;
  events.opened = [&server](evio::Conn& conn) { server = conn.handle(); };
  events.data = [&request](evio::Conn&, evio::Input& in) { request += in.take(); };
  sim.serve(std::move(events), "tcp://127.0.0.1:80");
  evio::Events client;
  client.loop_started = [&log](evio::Loop& loop) {
    ws::connect(loop, "ws://127.0.0.1", noting(log), settings);
  };
  sim.serve(std::move(client), "tcp://127.0.0.1:81");
  sim.run_for(std::chrono::seconds(1));
  if (answered) server.send(answer_to(request));
  send(sim, bytes, piece, [&](std::string_view some) { server.send(some); });
  server.close();
  sim.run_for(std::chrono::minutes(2));
  CHECK(log.find("closed ") != log.npos);
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  evio::fuzz::Bytes bytes(data, size);
  const std::uint8_t choice = bytes.byte();
  const std::size_t piece = std::max<std::size_t>(1 + choice / 4, size / 16);
  if (choice % 4 == 0) {
    const bool answered = choice % 8 == 0;
    CHECK(at_client(answered, bytes.rest(), piece) == at_client(answered, bytes.rest(), size + 1));
    return 0;
  }
  const std::string_view extensions = choice % 4 == 1 ? ""
                                      : choice % 4 == 2
                                          ? "permessage-deflate; client_max_window_bits"
                                          : bytes.take(bytes.byte());
  CHECK(at_server(extensions, bytes.rest(), piece) ==
        at_server(extensions, bytes.rest(), size + 1));
  return 0;
}
