// Open loop: messages are sent at random times of a given mean rate, whether or not replies arrive.
// A message's latency counts from the time at which it was due, so that a stalled server is charged
// for the messages that its stall delayed.
#include <cmath>
#include <cstdio>
#include <deque>
#include <random>

#include "engine_epoll.hpp"
#include "histogram.hpp"
#include "load.hpp"

namespace load {

void open(const Options& options) {
  const std::vector<int> sockets = connect_all(options);
  const std::string message(options.size, 'x');
  Window window(options);
  EpollEngine engine(sockets);
  Histogram latencies;
  std::vector<std::deque<double>> due(sockets.size());  // when each pending message was due
  std::vector<std::size_t> partial(sockets.size());
  std::mt19937_64 random(1);
  std::exponential_distribution<double> gap(options.rate);

  double next = now() + 0.001;
  std::size_t turn = 0;
  std::uint64_t answered = 0;
  std::uint64_t waiting = 0;
  constexpr std::uint64_t waiting_max =
      20000;  // more than that: the rate is above the server's capacity
  bool busy = true;
  while (window.tick(static_cast<double>(answered), busy)) {
    for (; next <= window.time() && waiting < waiting_max; next += gap(random)) {
      due[turn].push_back(next);
      engine.send(turn, message);
      turn = (turn + 1) % sockets.size();
      ++waiting;
    }
    busy = engine.poll([&](std::size_t i, std::size_t n) {
      const double time = now();
      partial[i] += n;
      for (; partial[i] >= options.size; partial[i] -= options.size) {
        if (window.measuring()) latencies.add(time - due[i].front());
        due[i].pop_front();
        ++answered;
        --waiting;
      }
    });
  }
  char more[160];
  std::snprintf(more, sizeof more,
                "\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"overloaded\":%s",
                latencies.percentile(0.5), latencies.percentile(0.9), latencies.percentile(0.99),
                latencies.percentile(0.999), waiting >= waiting_max ? "true" : "false");
  window.print(more);
}

}  // namespace load
