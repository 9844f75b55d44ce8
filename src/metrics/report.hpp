// What is counted, as text for programs.
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
// For the page: figures are named as in Stats.
std::string as_json(const std::vector<LoopReport>& loops);

}}}  // namespace evio::v0::detail
