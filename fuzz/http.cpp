// The replies of an HTTP server do not depend on how the requests were split.
#include <algorithm>
#include <evio/http.hpp>
#include <evio/simulation.hpp>
#include <string>
#include <string_view>

#include "bytes.hpp"
#include "check.hpp"

namespace {

constexpr std::string_view goes_on = "HTTP/1.1 100 Continue\r\n\r\n";

evio::Events server() {
  evio::http::Router router;
  router.get("/",
             [](evio::http::Request&, evio::http::Response& response) { response.text("Hello"); });
  router.post("/echo", [](evio::http::Request& request, evio::http::Response& response) {
    response.send("text/plain", request.body());
  });
  router.stream(
      "PUT", "/:name/*rest", [](evio::http::Request& request, evio::http::Response& response) {
        response.add("X-Name", std::to_string(request.param("name").size()));
        request.receive([all = std::string()](evio::http::Request& from, evio::http::Response& to,
                                              std::string_view piece) mutable {
          if (!piece.empty()) return void(all += piece);
          for (const auto& [name, value] : from.trailers()) all.append(name).append(value);
          to.text(all);
        });
      });
  evio::http::Settings settings;
  settings.body_max = 4096;
  settings.wall_clock = [](evio::Loop&) { return std::chrono::system_clock::time_point(); };
  return evio::http::server(std::move(router), std::move(settings));
}

// Whether 100 Continue is sent does depend on what has arrived by then.
std::string without_continues(std::string answers) {
  for (auto at = answers.find(goes_on); at != answers.npos; at = answers.find(goes_on, at))
    answers.erase(at, goes_on.size());
  return answers;
}

std::string answers_to(std::string_view bytes, std::size_t piece) {
  evio::Simulation sim(1);
  sim.serve(server(), "tcp://:80");
  evio::sim::Peer& peer = sim.connect("tcp://:80");
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    peer.send(bytes.substr(0, piece));
    sim.run_for(std::chrono::milliseconds(10));
  }
  peer.shutdown_write();
  sim.run_for(std::chrono::minutes(2));
  CHECK(peer.done());
  return without_continues(peer.received());
}

// Which of two errors is detected first, and when, may depend on the split; what is accepted must
// not.
std::string without_refusal(std::string answers) {
  constexpr std::string_view line = "HTTP/1.1 ";
  const auto last = answers.rfind(line);
  if (last == answers.npos) return answers;
  const std::string status = answers.substr(last + line.size(), 3);
  for (const char* refusal : {"400", "408", "413", "414", "417", "431", "501"})
    if (status == refusal) return answers.substr(0, last);
  return answers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  evio::fuzz::Bytes bytes(data, size);
  const std::size_t piece = 1 + bytes.byte() % 64;
  const auto answers = [&](std::size_t at_a_time) {
    return without_refusal(answers_to(bytes.rest(), at_a_time));
  };
  CHECK(answers(std::max<std::size_t>(piece, size / 16)) == answers(size + 1));
  return 0;
}
