// Echoes every WebSocket message, on every path, with the subprotocol "echo" or "chat" or none.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <evio/evio.hpp>
#include <evio/websocket.hpp>
#include <map>
#include <string>

namespace ws = evio::websocket;

int main(int argc, char** argv) {
  int port = 8080;
  int loops = 1;
  std::string backend = "automatic";
  std::size_t message = 64;
  bool plain = false;
  ws::Settings settings{.protocols = {"echo", "chat"}};
  const std::map<std::string, evio::Backend> backends{{"automatic", evio::Backend::automatic},
                                                      {"io_uring", evio::Backend::io_uring},
                                                      {"epoll", evio::Backend::epoll},
                                                      {"poll", evio::Backend::poll}};
  CLI::App app("WebSocket echo server");
  app.add_option("--port", port, "Port to listen on; 0: any free one")->check(CLI::Range(0, 65535));
  app.add_option("--loops", loops, "Number of event loops; -1: one for each hardware thread");
  app.add_option("--backend", backend, "Interface of the kernel to use")
      ->check(CLI::IsMember(backends));
  app.add_option("--message", message, "Largest message, in MiB")->check(CLI::Range(1, 1024));
  app.add_option("--origin", settings.origins,
                 "Origin that is let in; may be repeated. Unset: all");
  app.add_flag("--plain", plain, "Without permessage-deflate");
  app.get_formatter()->column_width(24);
  CLI11_PARSE(app, argc, argv);

  settings.message_max = message << 20;
  if (plain) settings.deflate.reset();
  try {
    evio::Events events = ws::server(
        {.message = [](ws::WebSocket& socket, ws::Message message) { socket.send(message); }},
        std::move(settings));
    events.loops = loops;
    events.backend = backends.at(backend);
    events.limits.output_max = (message << 20) + (1 << 20);
    events.handle_signals = true;
    events.serving = [](evio::Server& server) {
      std::printf("websocket echo server on %s\n", server.addresses()[0].to_string().c_str());
      std::fflush(stdout);
    };
    evio::serve(std::move(events), "tcp://:" + std::to_string(port));
  } catch (const evio::Error& error) {
    std::fprintf(stderr, "websocket-echo: %s\n", error.what());
    return 1;
  }
}
