// evio::websocket. Echo; broadcast, which publishes to a topic with all connections as subscribers;
// every backend.
#include <evio/evio.hpp>
#include <evio/websocket.hpp>
#include <map>
#include <optional>
#include <string>

#include "server.hpp"

namespace {

namespace ws = evio::websocket;

ws::Topics topics;

ws::Handlers handlers_of(const bench::Options& options) {
  ws::Handlers handlers;
  if (options.mode == "echo") {
    handlers.message = [](ws::WebSocket& socket, ws::Message message) { socket.send(message); };
  } else if (options.mode == "broadcast") {
    handlers.opened = [](ws::WebSocket& socket) { topics.subscribe(socket, "all"); };
    handlers.message = [](ws::WebSocket&, ws::Message message) { topics.publish("all", message); };
  } else {
    bench::unsupported(options);
  }
  return handlers;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  const std::map<std::string, evio::Backend> backends{{"automatic", evio::Backend::automatic},
                                                      {"io_uring", evio::Backend::io_uring},
                                                      {"epoll", evio::Backend::epoll},
                                                      {"poll", evio::Backend::poll}};
  evio::Events events = ws::server(handlers_of(options), ws::Settings{.deflate = std::nullopt});
  events.backend = backends.at(options.backend);
  events.handle_signals = true;
  events.serving = [](evio::Server& server) { bench::ready(server.addresses().front().port()); };
  evio::serve(std::move(events), "tcp4://127.0.0.1:" + std::to_string(options.port));
}
