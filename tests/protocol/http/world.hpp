// A connection to an HTTP server in a simulated world.
#pragma once

#include <chrono>
#include <evio/evio.hpp>
#include <evio/http.hpp>
#include <evio/simulation.hpp>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace evio::test {

using namespace sim;

using namespace std::chrono_literals;
using http::Request;
using http::Response;
using http::Router;

inline http::Settings settings() {
  http::Settings settings;
  settings.wall_clock = [](Loop&) { return std::chrono::system_clock::time_point(784111777s); };
  return settings;
}

// A server and one connection to it, in its own world.
struct World {
  explicit World(Router router, http::Settings with = settings(), Limits limits = {}) {
    Events events = http::server(std::move(router), std::move(with));
    events.limits = limits;
    events.failed = [this](Conn*, std::exception_ptr) { ++failures; };
    sim.serve(std::move(events), "tcp://:80");
    peer = &sim.connect("tcp://:80");
  }
  // Sends the bytes and returns the reply of the next few seconds.
  std::string ask(std::string_view bytes) {
    peer->forget_received();
    peer->send(bytes);
    sim.run_for(3s);
    return peer->received();
  }

  int failures = 0;
  Simulation sim{1};
  Peer* peer;
};

inline std::string get(std::string_view path, std::string_view fields = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n";
}
inline constexpr std::string_view common =
    "Server: evio\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

inline std::string body_of(const std::string& answer) {
  const std::size_t at = answer.find("\r\n\r\n");
  return at == answer.npos ? "no header" : answer.substr(at + 4);
}

}  // namespace evio::test
