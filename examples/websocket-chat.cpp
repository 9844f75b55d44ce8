// A chat room in the browser: GET / is its page, whose script opens a WebSocket on /chat. The first
// message is the user's name; every further message is sent to all.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <evio/websocket.hpp>
#include <string>

#include "websocket/page.hpp"

namespace http = evio::http;
namespace ws = evio::websocket;

namespace {

struct Guest {
  std::string name;
};

ws::Handlers room(const ws::Topics& topics) {
  const auto say = [topics](const std::string& line) { topics.publish("room", {.bytes = line}); };
  return {.opened = [topics](ws::WebSocket& socket) { topics.subscribe(socket, "room"); },
          .message =
              [say](ws::WebSocket& socket, ws::Message message) {
                if (const Guest* guest = socket.context<Guest>())
                  say(guest->name + ": " + std::string(message.bytes));
                else
                  say(socket.emplace_context<Guest>(std::string(message.bytes)).name + " is here");
              },
          .closed =
              [say](ws::WebSocket& socket, const ws::Closed&) {
                if (const Guest* guest = socket.context<Guest>()) say(guest->name + " has left");
              }};
}

}  // namespace

int main(int argc, char** argv) {
  int port = 8080;
  CLI::App app("Chat server for browsers");
  app.add_option("--port", port, "Port to listen on; 0: any free one")->check(CLI::Range(0, 65535));
  CLI11_PARSE(app, argc, argv);

  http::Router router;
  router.get(
      "/", [](http::Request&, http::Response& response) { response.send("text/html", chat_page); });
  router.get("/chat", ws::endpoint(room(ws::Topics()), {.message_max = 4096}));
  evio::Events events = http::server(std::move(router));
  events.loops = 2;
  events.handle_signals = true;
  events.serving = [](evio::Server& server) {
    std::printf("chat server on %s\n", server.addresses()[0].to_string().c_str());
    std::fflush(stdout);
  };
  try {
    evio::serve(std::move(events), "tcp://:" + std::to_string(port));
  } catch (const evio::Error& error) {
    std::fprintf(stderr, "websocket-chat: %s\n", error.what());
    return 1;
  }
}
