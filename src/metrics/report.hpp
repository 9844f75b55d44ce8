// Statistics as text for programs: the format of Prometheus, and JSON.
#pragma once

#include <evio/stats.hpp>
#include <string>
#include <vector>

namespace evio { inline namespace v0 { namespace detail {

struct LoopReport {
  std::string loop;  // its number, or "accept"
  Stats stats;
};

// The text format of Prometheus.
std::string as_prometheus(const std::vector<LoopReport>& loops);
// JSON for the HTML page. Figures are named as in Stats.
std::string as_json(const std::vector<LoopReport>& loops);

}}}  // namespace evio::v0::detail
