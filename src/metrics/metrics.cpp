// The metrics service: statistics of a server over HTTP.
#include <evio/error.hpp>
#include <evio/metrics.hpp>
#include <evio/server.hpp>
#include <string>
#include <utility>
#include <vector>

#include "http.hpp"
#include "page.hpp"
#include "report.hpp"

namespace evio { inline namespace v0 {

using namespace detail;

namespace {

std::vector<LoopReport> reports(const Server& server) {
  std::vector<LoopReport> all;
  all.reserve(static_cast<std::size_t>(server.loops()) + 1);
  for (int i = 0; i < server.loops(); ++i) all.push_back({std::to_string(i), server.stats(i)});
  if (server.loops() > 1) all.push_back({"accept", server.stats(-1)});
  return all;
}

HttpContent look_up(Server& server, std::string_view path) {
  if (path == "/metrics")
    return {"text/plain; version=0.0.4; charset=utf-8", as_prometheus(reports(server))};
  if (path == "/stats.json") return {"application/json", as_json(reports(server))};
  if (path == "/") return {"text/html; charset=utf-8", std::string(metrics_page)};
  return {};
}

}  // namespace

Binding metrics(std::string_view address) {
  Binding binding(address);
  if (binding.address().is_udp())
    throw Error(std::make_error_code(std::errc::invalid_argument), address,
                "metrics are served over HTTP: give a tcp or unix address");
  return on(std::move(binding), http_service(look_up));
}

}}  // namespace evio::v0
