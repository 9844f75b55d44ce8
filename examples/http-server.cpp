// An HTTP/1.1 server: GET / and /plaintext reply with a greeting, GET /json with one in JSON, GET
// /headers with the request's fields, and POST /echo with the request's body. With --root DIR, GET
// of any other path, and of /, replies with a file of that directory.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <map>
#include <string>
#include <vector>

namespace http = evio::http;

namespace {

http::Router routes(const std::string& root) {
  http::Router router;
  for (const char* path : {"/", "/plaintext"})
    if (root.empty() || path != std::string_view("/"))
      router.get(path, [](http::Request&, http::Response& response) {
        response.text("Hello, World!\r\n");
      });
  router.get("/json", [](http::Request&, http::Response& response) {
    response.json(R"({"message":"Hello, World!"})");
  });
  router.get("/headers", [](http::Request& request, http::Response& response) {
    std::string shown;
    for (const auto& [name, value] : request.fields())
      shown.append(name).append(": ").append(value).append("\n");
    response.text(shown);
  });
  router.post("/echo", [](http::Request& request, http::Response& response) {
    response.send("application/octet-stream", request.body());
  });
  if (!root.empty()) router.get("/*path", http::files(root));
  return router;
}

}  // namespace

int main(int argc, char** argv) {
  int port = 8080;
  std::string path, root;
  int loops = 1;
  std::string backend = "automatic";
  int timeout_seconds = 30;
  const std::map<std::string, evio::Backend> backends{{"automatic", evio::Backend::automatic},
                                                      {"io_uring", evio::Backend::io_uring},
                                                      {"epoll", evio::Backend::epoll},
                                                      {"poll", evio::Backend::poll}};
  CLI::App app("HTTP/1.1 server");
  app.add_option("--port", port, "Port to listen on; 0: any free one")->check(CLI::Range(0, 65535));
  app.add_option("--unix", path, "Path of a unix socket to listen on as well");
  app.add_option("--root", root, "Folder whose files are served")->check(CLI::ExistingDirectory);
  app.add_option("--loops", loops, "Number of event loops; -1: one for each hardware thread");
  app.add_option("--backend", backend, "Interface of the kernel to use")
      ->check(CLI::IsMember(backends));
  app.add_option("--timeout", timeout_seconds, "Seconds that a request, or silence, may last")
      ->check(CLI::PositiveNumber);
  app.get_formatter()->column_width(24);
  CLI11_PARSE(app, argc, argv);

  const std::chrono::seconds timeout(timeout_seconds);
  http::Settings settings;
  for (evio::Duration* each : {&settings.header_timeout, &settings.body_timeout,
                               &settings.send_timeout, &settings.idle_timeout})
    *each = timeout;
  try {
    std::vector<evio::Binding> addresses{"tcp://:" + std::to_string(port)};
    if (!path.empty()) addresses.emplace_back("unix://" + path);
    evio::Events events = http::server(routes(root), std::move(settings));
    events.loops = loops;
    events.backend = backends.at(backend);
    events.handle_signals = true;
    events.serving = [](evio::Server& server) {
      for (const evio::Address& address : server.addresses())
        std::printf("http server on %s\n", address.to_string().c_str());
      std::fflush(stdout);
    };
    evio::serve(std::move(events), addresses);
  } catch (const evio::Error& error) {
    std::fprintf(stderr, "http-server: %s\n", error.what());
    return 1;
  }
}
