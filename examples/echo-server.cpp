// An echo server over TCP, UDP and unix sockets.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <evio/evio.hpp>
#include <map>
#include <string>
#include <vector>

struct Settings {
  int port = 5000;
  int loops = 1;
  bool udp = false;
  bool trace = false;
  bool reuseport = false;
  bool stdlib = false;
  std::string unix_path;
  std::string backend = "automatic";
};

static const std::map<std::string, evio::Backend> backends{{"automatic", evio::Backend::automatic},
                                                           {"io_uring", evio::Backend::io_uring},
                                                           {"epoll", evio::Backend::epoll},
                                                           {"poll", evio::Backend::poll}};

static std::vector<evio::Binding> bindings(const Settings& settings) {
  std::string scheme = settings.udp ? "udp" : "tcp";
  if (settings.stdlib) scheme += "-net";
  const std::string query = settings.reuseport ? "?reuseport=true" : "";
  std::vector<evio::Binding> all{scheme + "://:" + std::to_string(settings.port) + query};
  if (!settings.unix_path.empty()) all.emplace_back("unix://" + settings.unix_path);
  return all;
}

static evio::Events echo(const Settings& settings) {
  return {.loops = settings.loops,
          .backend = backends.at(settings.backend),
          .handle_signals = true,
          .serving =
              [](evio::Server& server) {
                for (const evio::Address& address : server.addresses())
                  std::printf("echo server on %s (loops: %d)\n", address.to_string().c_str(),
                              server.loops());
              },
          .data = [](evio::Conn& conn, evio::Input& in) { conn.write(in.take()); }};
}

/// The events of the echo server, which also prints each event.
static evio::Events traced(evio::Events events) {
  events.opened = [](evio::Conn& conn) {
    std::printf("opened: %s -> %s\n", conn.remote().to_string().c_str(),
                conn.local().to_string().c_str());
  };
  events.data = [echo = std::move(events.data)](evio::Conn& conn, evio::Input& in) {
    std::printf("data: %s: %zu bytes\n", conn.remote().to_string().c_str(), in.size());
    return echo(conn, in);
  };
  events.closed = [](evio::Conn& conn, std::error_code error) {
    std::printf("closed: %s: %s\n", conn.remote().to_string().c_str(),
                error ? error.message().c_str() : "in order");
  };
  events.trace = [](const evio::Trace& trace) {  // called on any loop's thread
    std::printf("trace: %s %s %s %s\n", std::string(evio::name_of(trace.what)).c_str(),
                trace.peer.to_string().c_str(), trace.error ? trace.error.message().c_str() : "",
                std::string(trace.message).c_str());
  };
  return events;
}

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Echo server");
  app.add_option("--port", settings.port, "Port to listen on; 0: any free one")
      ->check(CLI::Range(0, 65535));
  app.add_option("--loops", settings.loops,
                 "Number of event loops; -1: one for each hardware thread");
  app.add_flag("--udp", settings.udp, "Listen on UDP instead of TCP");
  app.add_flag("--trace", settings.trace, "Print each event, and what Events::trace tells");
  app.add_flag("--reuseport", settings.reuseport, "Other processes may listen on the port too");
  app.add_flag("--stdlib", settings.stdlib, "Use the portable backend");
  app.add_option("--unix", settings.unix_path, "Path of a unix socket to listen on as well");
  app.add_option("--backend", settings.backend, "Interface of the kernel to use")
      ->check(CLI::IsMember(backends));
  app.get_formatter()->column_width(24);
  CLI11_PARSE(app, argc, argv);

  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // writes whole lines, also into a pipe
  try {
    evio::Events events = echo(settings);
    evio::serve(settings.trace ? traced(std::move(events)) : std::move(events), bindings(settings));
  } catch (const evio::Error& error) {
    std::fprintf(stderr, "echo-server: %s\n", error.what());
    return 1;
  }
}
