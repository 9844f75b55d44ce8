// Connections that mostly receive: broadcast (one sends, all receive, then again; a message is one
// delivery), and sends (another thread of the server writes to all of them).
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "engine_epoll.hpp"
#include "engine_uring.hpp"
#include "load.hpp"

namespace load {

namespace {

void pause(double seconds) {
  const timespec time{.tv_sec = 0, .tv_nsec = static_cast<long>(seconds * 1e9)};
  ::nanosleep(&time, nullptr);
}

// Runs one round and checks what each connection receives.
void try_broadcast(const std::vector<int>& sockets, const std::string& said,
                   const std::string& heard) {
  send_all(sockets.front(), said);
  for (const int fd : sockets) {
    if (receive_exactly(fd, heard.size()) == heard) continue;
    std::fprintf(stderr, "load: what is heard is not what was said\n");
    std::exit(1);
  }
}

}  // namespace

void broadcast(const Options& options) {
  const std::vector<int> sockets = connect_all(options);
  pause(0.1);  // until the server has accepted the last one
  const std::string message(options.size, 'x');
  const std::string said = to_server(message, options);
  const std::string heard = from_server(message, options);
  try_broadcast(sockets, said, heard);
  Window window(options);
  UringEngine engine(sockets);
  const std::uint64_t round = sockets.size() * heard.size();
  std::uint64_t received = 0;
  bool busy = true;
  engine.send(0, said);
  while (window.tick(static_cast<double>(received) / static_cast<double>(heard.size()), busy))
    busy = engine.poll([&](std::size_t, std::size_t n) {
      received += n;
      if (received % round == 0) engine.send(0, said);
    });
  window.print();
}

void sends(const Options& options) {
  const std::vector<int> sockets = connect_all(options);
  pause(0.1);
  Window window(options);
  EpollEngine engine(sockets);
  std::uint64_t received = 0;
  for (std::size_t i = 0; i < sockets.size(); ++i) engine.send(i, "!");
  bool busy = true;
  while (window.tick(static_cast<double>(received) / static_cast<double>(options.size), busy)) {
    busy = engine.poll([&](std::size_t, std::size_t n) { received += n; });
    if (!busy) pause(0.00005);  // the server's other thread shares this core
  }
  window.print();
}

void posts(const Options& options) {
  Window window(options);
  const int fd = connect_tcp(options, 0);
  pause(options.warm_up);
  window.begin(static_cast<double>(ask_count(fd)));
  pause(options.seconds);
  window.end(static_cast<double>(ask_count(fd)));
  window.print();
}

}  // namespace load
