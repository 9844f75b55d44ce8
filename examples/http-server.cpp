// An HTTP/1.1 server: GET / greets, GET /headers shows the request's fields, POST /echo sends the body back.
// Boost.Beast parses the requests, in place, as they come; answers to pipelined requests leave together.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <evio/evio.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "http/answer.hpp"

namespace {

/// What a connection carries: the request being read, if any, and until when it must be complete.
struct Session {
  std::optional<http::Request> request;
  evio::Timer deadline;
};

void give_up(evio::Conn& conn) {
  http::Answers& answers = *conn.loop().context<http::Answers>();
  answers.add(http::plain(408), http::closing, false, conn.loop().now());
  answers.write(conn);
  conn.close();
}

evio::Action on_data(evio::Conn& conn, evio::Input& in, evio::Duration patience) {
  Session& session = *conn.context<Session>();
  http::Answers& answers = *conn.loop().context<http::Answers>();
  for (;;) {
    const http::Progress progress = http::answer(session.request, in, answers, conn.loop().now());
    if (progress.answered) session.deadline.cancel();
    const bool ready = answers.write(conn);
    if (progress.next == http::Progress::closes) return evio::Action::close;
    if (progress.next == http::Progress::waits) break;
    if (!ready) return evio::Action::none;  // `data` comes again after `drained`
  }
  if (session.request && !session.deadline.active()) session.deadline = conn.run_after(patience, give_up);
  return evio::Action::none;
}

}  // namespace

int main(int argc, char** argv) {
  int port = 8080;
  std::string path;
  int loops = 1;
  std::string backend = "automatic";
  int patience = 30;
  const std::map<std::string, evio::Backend> backends{{"automatic", evio::Backend::automatic},
                                                      {"io_uring", evio::Backend::io_uring},
                                                      {"epoll", evio::Backend::epoll},
                                                      {"poll", evio::Backend::poll}};
  CLI::App app("HTTP/1.1 server");
  app.add_option("--port", port, "Port to listen on; 0: any free one")->check(CLI::Range(0, 65535));
  app.add_option("--unix", path, "Path of a unix socket to listen on as well");
  app.add_option("--loops", loops, "Number of event loops; -1: one for each hardware thread");
  app.add_option("--backend", backend, "Interface of the kernel to use")->check(CLI::IsMember(backends));
  app.add_option("--timeout", patience, "Seconds that a request, or silence, may last")->check(CLI::PositiveNumber);
  app.get_formatter()->column_width(24);
  CLI11_PARSE(app, argc, argv);

  const std::chrono::seconds timeout(patience);
  try {
    std::vector<evio::Binding> addresses{"tcp://:" + std::to_string(port)};
    if (!path.empty()) addresses.emplace_back("unix://" + path);
    evio::serve({.loops = loops,
                 .backend = backends.at(backend),
                 .options = {.idle_timeout = timeout},
                 .handle_signals = true,
                 .serving =
                     [](evio::Server& server) {
                       for (const evio::Address& address : server.addresses())
                         std::printf("http server on %s\n", address.to_string().c_str());
                       std::fflush(stdout);
                     },
                 .loop_started = [](evio::Loop& loop) { loop.emplace_context<http::Answers>(); },
                 .opened = [](evio::Conn& conn) { conn.emplace_context<Session>(); },
                 .data = [timeout](evio::Conn& conn, evio::Input& in) { return on_data(conn, in, timeout); }},
                addresses);
  } catch (const evio::Error& error) {
    std::fprintf(stderr, "http-server: %s\n", error.what());
    return 1;
  }
}
