#include <evio/evio.hpp>
#include <evio/websocket.hpp>
#include <string>

// Serves a WebSocket, and talks to it from the server's own loop.
int main() {
  namespace ws = evio::websocket;
  bool heard = false;
  evio::Events events = ws::server(
      {.message = [](ws::WebSocket& socket, ws::Message message) { socket.send(message); }});
  events.serving = [&](evio::Server& server) {
    server.loop(0).post([&] {
      const std::string url = "ws://127.0.0.1:" + std::to_string(server.addresses()[0].port());
      ws::connect(server.loop(0), url,
                  {.opened = [](ws::WebSocket& socket) { socket.text(std::string(1000, 'x')); },
                   .message =
                       [&](ws::WebSocket& socket, ws::Message message) {
                         heard = message.bytes == std::string(1000, 'x');
                         socket.close();
                       },
                   .closed = [&server] { server.shutdown(); }});
    });
  };
  evio::serve(std::move(events), "tcp://127.0.0.1:0");
  return heard ? 0 : 1;
}
