// An echo server with metrics: `curl localhost:9091/metrics` for Prometheus, http://localhost:9091/
// for a browser.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <evio/evio.hpp>
#include <evio/metrics.hpp>
#include <string>

int main(int argc, char** argv) {
  int port = 5000, metrics_port = 9091, loops = 1;
  CLI::App app("Echo server with metrics");
  app.add_option("--port", port, "Port to listen on; 0: any free one")->check(CLI::Range(0, 65535));
  app.add_option("--metrics-port", metrics_port, "Port of the metrics, on loopback")
      ->check(CLI::Range(0, 65535));
  app.add_option("--loops", loops, "Number of event loops; -1: one for each hardware thread");
  CLI11_PARSE(app, argc, argv);

  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // writes whole lines, also into a pipe
  try {
    evio::serve({.loops = loops,
                 .handle_signals = true,
                 .serving =
                     [](evio::Server& server) {
                       for (const evio::Address& address : server.addresses())
                         std::printf("metrics server on %s\n", address.to_string().c_str());
                     },
                 .data = [](evio::Conn& conn, evio::Input& in) { conn.write(in.take()); }},
                "tcp://:" + std::to_string(port),
                evio::metrics("tcp://127.0.0.1:" + std::to_string(metrics_port)));
  } catch (const evio::Error& error) {
    std::fprintf(stderr, "metrics-server: %s\n", error.what());
    return 1;
  }
}
