// Measures what depends on the number of connections: memory of an idle one, time of an event,
// timers. One row per number; on a kernel that costs nothing, and in simulation.
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <evio/evio.hpp>
#include <evio/simulation.hpp>
#include <fstream>
#include <random>

#include "bare_platform.hpp"
#include "server.hpp"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

double nanoseconds(Clock::time_point since, std::size_t count) {
  return std::chrono::duration<double, std::nano>(Clock::now() - since).count() /
         static_cast<double>(count);
}

// Bytes of memory that the process has. What was freed does not count, and neither does what was
// reserved and never used: a loop reserves room in its lists ahead of its connections.
std::size_t resident() {
  ::malloc_trim(0);
  std::size_t size = 0, pages = 0;
  std::ifstream("/proc/self/statm") >> size >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

struct Row {
  double bytes = 0;    // of an idle connection
  double accept = 0;   // ns to open one
  double message = 0;  // ns to echo 64 bytes on a random one
};

// Opens that many connections, lets each echo once, then echoes on random ones.
Row measure(std::size_t count, bool idle_timeouts) {
  constexpr std::size_t batch = 512, messages = 1'000'000;
  const std::string bytes(64, 'x');
  const evio::Address peer = evio::Address::parse("tcp://127.0.0.1:1");
  Row row;
  std::mt19937 random(1);
  std::size_t opened = 0, echoed = 0, before = 0;
  Clock::time_point begin{};
  evio::Server* server = nullptr;
  const auto echo = [&](evio::detail::Sink& sink, std::size_t stream) {
    sink.on_received(static_cast<evio::detail::StreamId>(stream), bytes);
  };
  const bench::Script script = [&](evio::detail::Sink& sink) {
    for (std::size_t i = 0; i < batch; ++i) {
      if (opened < count) {
        if (opened == 0) {
          before = resident();
          begin = Clock::now();
        }
        sink.on_accepted(evio::detail::ListenerId{0}, {1}, peer);
        echo(sink, opened++);
        if (opened < count) continue;
        row.accept = nanoseconds(begin, count);
        row.bytes = (static_cast<double>(resident()) - static_cast<double>(before)) /
                    static_cast<double>(count);
        begin = Clock::now();
      } else if (echoed < messages) {
        echo(sink, random() % count);
        if (++echoed < messages) continue;
        row.message = nanoseconds(begin, messages);
        server->shutdown();
      }
    }
  };
  evio::Events events{.data = [](evio::Conn& c, evio::Input& in) { c.write(in.take()); }};
  if (idle_timeouts) events.options.idle_timeout = 1h;
  evio::Server made = evio::detail::ServerAccess::make(
      std::make_unique<bench::BarePlatform>(script), std::move(events), {"tcp://:1"});
  server = &made;
  made.run();
  return row;
}

// ns to arm a timer, and ns per message while that many timers are armed.
std::pair<double, double> timers(std::size_t count) {
  constexpr std::size_t batch = 512, messages = 1'000'000;
  const std::string bytes(64, 'x');
  double arming = 0, message = 0;
  std::size_t echoed = 0;
  Clock::time_point begin{};
  evio::Server* server = nullptr;
  const bench::Script script = [&](evio::detail::Sink& sink) {
    if (echoed == 0) {
      sink.on_accepted(evio::detail::ListenerId{0}, {1}, evio::Address::parse("tcp://127.0.0.1:1"));
      begin = Clock::now();
    }
    for (std::size_t i = 0; i < batch; ++i, ++echoed)
      sink.on_received(evio::detail::StreamId{0}, bytes);
    if (echoed < messages) return;
    message = nanoseconds(begin, echoed);
    server->shutdown();
  };
  evio::Server made = evio::detail::ServerAccess::make(
      std::make_unique<bench::BarePlatform>(script),
      {.loop_started =
           [&](evio::Loop& loop) {
             std::mt19937 random(1);
             const auto start = Clock::now();
             for (std::size_t i = 0; i < count; ++i)
               loop.run_after(std::chrono::milliseconds(60'000 + random() % 3'600'000), [] {});
             arming = nanoseconds(start, count);
           },
       .data = [](evio::Conn& c, evio::Input& in) { c.write(in.take()); }},
      {"tcp://:1"});
  server = &made;
  made.run();
  return {arming, message};
}

// The real time of one event of a simulation with that many connections.
double simulated(std::size_t count) {
  evio::Simulation sim(1, {});
  sim.serve({.limits = {.backlog = 1 << 30},
             .data = [](evio::Conn& c, evio::Input& in) { c.write(in.take()); }},
            "tcp://:1");
  std::vector<evio::sim::Peer*> peers;
  for (std::size_t i = 0; i < count; ++i) peers.push_back(&sim.connect("tcp://:1"));
  sim.run_for(5s);
  std::mt19937 random(1);
  constexpr std::size_t messages = 200'000;
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < messages; ++i) {
    peers[random() % count]->send("x");
    if (i % 1000 == 999) sim.run_for(1ms);
  }
  sim.run_for(1s);
  return nanoseconds(begin, messages);
}

}  // namespace

int main(int count, char** words) {
  const std::size_t most = count > 1 ? std::strtoull(words[1], nullptr, 10) : 1'000'000;
  std::printf(
      "connections\tbytes\tbytes_with_idle_timeout\taccept_ns\tmessage_ns\tmessage_with_idle_"
      "timeout_ns\t"
      "timer_arm_ns\tmessage_with_timers_ns\tsimulated_ns\n");
  measure(1000, false);  // so that no row has what the first server of a process takes
  for (std::size_t n = 1000; n <= most; n *= 10) {
    const Row plain = measure(n, false), idle = measure(n, true);
    const auto [arming, with_timers] = timers(n);
    std::printf("%zu\t%.1f\t%.1f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\n", n, plain.bytes, idle.bytes,
                plain.accept, plain.message, idle.message, arming, with_timers, simulated(n));
    std::fflush(stdout);
  }
}
