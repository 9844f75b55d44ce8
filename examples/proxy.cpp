// A TCP proxy: forwards bytes, ends and resets in both directions, and reads from each side no
// faster than the other reads.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <evio/evio.hpp>
#include <map>
#include <string>

static const std::map<std::string, evio::Backend> backends{{"automatic", evio::Backend::automatic},
                                                           {"io_uring", evio::Backend::io_uring},
                                                           {"epoll", evio::Backend::epoll},
                                                           {"poll", evio::Backend::poll}};

struct Settings {
  std::string listen = "tcp://:8000";
  std::string to;
  int loops = 1;
  std::string backend = "automatic";
};

// Each connection's context: the connection on the other side, until that closes.
struct Link {
  evio::Conn* other = nullptr;
};

static evio::Conn* other_of(evio::Conn& conn) {
  const Link* link = conn.context<Link>();
  return link ? link->other : nullptr;
}

// The events of both sides. Reading continues while the connection's own output is pending
// (otherwise two congested directions would block each other); pending output of the other side
// stops it.
static evio::Events side() {
  return {.options = {.read_when_congested = true},
          .data =
              [](evio::Conn& conn, evio::Input& in) {
                evio::Conn* other = other_of(conn);
                if (!in.empty() && other && !other->write(in.take())) conn.pause();
              },
          .drained =
              [](evio::Conn& conn) {
                if (evio::Conn* other = other_of(conn)) other->resume();
              },
          // Once both sides have ended, both connections close by themselves after their pending
          // output.
          .ended =
              [](evio::Conn& conn, evio::Input&) {
                if (evio::Conn* other = other_of(conn)) other->shutdown_write();
              },
          .closed =
              [](evio::Conn& conn, std::error_code error) {
                evio::Conn* other = other_of(conn);
                if (!other) return;
                other->context<Link>()->other = nullptr;
                if (error) other->abort();
              }};
}

static evio::Events proxy(const Settings& settings) {
  evio::Events events = side();
  events.loops = settings.loops;
  events.backend = backends.at(settings.backend);
  events.handle_signals = true;
  events.serving = [to = settings.to](evio::Server& server) {
    std::printf("proxy on %s to %s (loops: %d)\n", server.addresses()[0].to_string().c_str(),
                to.c_str(), server.loops());
  };
  events.opened = [upstream = evio::on(settings.to, side())](evio::Conn& client) {
    evio::Conn* server = client.loop().connect(upstream);
    if (!server) return evio::Action::close;  // shutting down
    server->emplace_context<Link>(&client);
    client.emplace_context<Link>(server);
    return evio::Action::none;
  };
  return events;
}

// A target that cannot be connected to is an error now, not when the first client connects.
static void check_target(const std::string& url) {
  const evio::Address to = evio::Address::parse(url);
  if (to.host().empty() || (!to.is_unix() && to.port() == 0))
    throw evio::Error(std::make_error_code(std::errc::invalid_argument), url,
                      "nothing can connect there");
}

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("TCP proxy");
  app.add_option("--listen", settings.listen, "Where clients connect to; port 0: any free one");
  app.add_option("--to", settings.to, "Where they are passed on to, such as tcp://localhost:80")
      ->required();
  app.add_option("--loops", settings.loops,
                 "Number of event loops; -1: one for each hardware thread");
  app.add_option("--backend", settings.backend, "Interface of the kernel to use")
      ->check(CLI::IsMember(backends));
  app.get_formatter()->column_width(24);
  CLI11_PARSE(app, argc, argv);

  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // writes whole lines, also into a pipe
  try {
    check_target(settings.to);
    evio::serve(proxy(settings), settings.listen);
  } catch (const evio::Error& error) {
    std::fprintf(stderr, "proxy: %s\n", error.what());
    return 1;
  }
}
