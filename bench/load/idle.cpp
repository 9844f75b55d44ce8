// Memory of idle connections: how much the server grows from 2,000 of them to 12,000.
#include <cstdio>
#include <ctime>

#include "load.hpp"

namespace load {

void idle(const Options& options) {
  constexpr unsigned few = 2000;
  constexpr unsigned many = 12000;
  constexpr unsigned at_once = 500;
  Window window(options);
  const ServerMeter server(options);
  std::vector<int> sockets;
  const std::string message(options.size, 'x');
  const auto grow_to = [&](unsigned count) {
    while (sockets.size() < count) {
      const std::size_t first = sockets.size();
      for (unsigned i = 0; i < at_once; ++i)
        sockets.push_back(connect_tcp(options, static_cast<unsigned>(first) + i));
      if (!options.spoken) continue;
      for (std::size_t i = first; i < sockets.size(); ++i) send_all(sockets[i], message);
      for (std::size_t i = first; i < sockets.size(); ++i)
        receive_exactly(sockets[i], message.size());
    }
    const timespec time{.tv_sec = 0, .tv_nsec = 300'000'000};
    ::nanosleep(&time, nullptr);  // until the server has accepted the last one
    return server.resident_bytes();
  };
  window.begin(0);
  const std::size_t before = grow_to(few);
  const std::size_t after = grow_to(many);
  window.end(many);
  char more[80];
  std::snprintf(more, sizeof more, "\"bytes_per_connection\":%.1f,\"resident\":%zu",
                (static_cast<double>(after) - static_cast<double>(before)) / (many - few), after);
  window.print(more);
}

}  // namespace load
