#include "report.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <string_view>

namespace evio { inline namespace v0 { namespace detail {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Figure {
  const char* name;  // in JSON
  std::uint64_t Stats::*value;
  MetricType type;
  const char* family;
  const char* help;
};

constexpr auto counter = MetricType::Counter;
constexpr auto gauge = MetricType::Gauge;

// In the order of Stats. `closed` and `memory` are omitted, since they are sums of others.
constexpr Figure figures[] = {
    {"accepted", &Stats::accepted, counter, "evio_connections_accepted_total",
     "Connections accepted."},
    {"open", &Stats::open, gauge, "evio_connections_open", "Connections open now."},
    {"refused", &Stats::refused, counter, "evio_connections_refused_total",
     "Connections accepted but dropped at once: the server was stopping, or the peer had too "
     "many."},
    {"received", &Stats::received, counter, "evio_received_bytes_total",
     "Bytes received, including datagrams."},
    {"sent", &Stats::sent, counter, "evio_sent_bytes_total",
     "Bytes that the kernel accepted, including datagrams."},
    {"datagrams_received", &Stats::datagrams_received, counter, "evio_datagrams_received_total",
     "Datagrams received."},
    {"datagrams_sent", &Stats::datagrams_sent, counter, "evio_datagrams_sent_total",
     "Datagrams that the kernel accepted."},
    {"datagrams_dropped", &Stats::datagrams_dropped, counter, "evio_datagrams_dropped_total",
     "Datagrams that were too large or rejected by the kernel."},
    {"accept_pauses", &Stats::accept_pauses, counter, "evio_accept_pauses_total",
     "Times accepting paused for lack of descriptors or kernel memory."},
    {"memory_pauses", &Stats::memory_pauses, counter, "evio_memory_pauses_total",
     "Times reading a connection paused because of the limit on memory."},
    {"wakeups", &Stats::wakeups, counter, "evio_wakeups_total",
     "Times the loop returned from waiting for events."},
    {"messages", &Stats::messages, counter, "evio_messages_total",
     "Calls of the data handler, including datagrams."},
    {"output_pending", &Stats::output_pending, gauge, "evio_output_pending_bytes",
     "Bytes written that the kernel has not accepted yet."},
    {"input_held", &Stats::input_held, gauge, "evio_input_held_bytes",
     "Memory for input that handlers have not consumed."},
    {"timers", &Stats::timers, gauge, "evio_timers_armed",
     "Timers armed now, including the library's own."},
    {"timers_run", &Stats::timers_run, counter, "evio_timers_run_total",
     "Timers that have run, including the library's own."},
    {"posts", &Stats::posts, counter, "evio_posts_total",
     "Posts, sends and wakes that the loop has run, including those of other loops."},
    {"slow_batches", &Stats::slow_batches, counter, "evio_slow_batches_total",
     "Batches of events whose handlers held the loop for more than 100 ms."},
    {"exceptions", &Stats::exceptions, counter, "evio_exceptions_total",
     "Exceptions that left handlers, posts and timers."},
};

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

ClientMetric labelled(const LoopReport& loop) {
  ClientMetric metric;
  metric.label.push_back({"loop", loop.loop});
  return metric;
}

MetricFamily family_of(const Figure& figure, const std::vector<LoopReport>& loops) {
  MetricFamily family{figure.family, figure.help, figure.type, {}};
  for (const LoopReport& loop : loops) {
    ClientMetric& metric = family.metric.emplace_back(labelled(loop));
    const auto value = static_cast<double>(loop.stats.*figure.value);
    (figure.type == counter ? metric.counter.value : metric.gauge.value) = value;
  }
  return family;
}

MetricFamily closed_family(const std::vector<LoopReport>& loops) {
  MetricFamily family{"evio_connections_closed_total",
                      "Connections closed, by reason: orderly, detached, reset, other, or the "
                      "name of an error.",
                      counter,
                      {}};
  for (const LoopReport& loop : loops)
    for (std::size_t i = 0; i < close_reason_count; ++i) {
      ClientMetric& metric = family.metric.emplace_back(labelled(loop));
      metric.label.push_back({"reason", std::string(name_of(static_cast<CloseReason>(i)))});
      metric.counter.value = static_cast<double>(loop.stats.closed_by[i]);
    }
  return family;
}

MetricFamily lag_family(const std::vector<LoopReport>& loops) {
  MetricFamily family{"evio_loop_lag_seconds",
                      "How long each batch of events delayed the next poll for events.",
                      MetricType::Histogram,
                      {}};
  for (const LoopReport& loop : loops) {
    ClientMetric::Histogram& histogram = family.metric.emplace_back(labelled(loop)).histogram;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < LagHistogram::bound_count; ++i) {
      cumulative += loop.stats.lag.counts[i];
      histogram.bucket.push_back({cumulative, seconds(LagHistogram::bound(i))});
    }
    histogram.sample_count = cumulative + loop.stats.lag.counts.back();
    histogram.sample_sum = seconds(loop.stats.lag.sum);
  }
  return family;
}

// ---- JSON: it contains names from this library and numbers only, so nothing must be escaped.

void open(std::string& json, std::string_view name, char bracket) {
  json.append("\"").append(name).append("\":") += bracket;
}

void close(std::string& json, char bracket) {
  if (json.back() == ',') json.pop_back();
  json += bracket;
  json += ',';
}

template <class Number>
void add(std::string& json, std::string_view name, Number value) {
  json.append("\"").append(name).append("\":").append(std::to_string(value)) += ',';
}

void add_loop(std::string& json, const LoopReport& loop) {
  json.append(R"({"loop":")").append(loop.loop).append(R"(",)");
  for (const Figure& figure : figures) add(json, figure.name, loop.stats.*figure.value);
  open(json, "closed_by", '{');
  for (std::size_t i = 0; i < close_reason_count; ++i)
    add(json, name_of(static_cast<CloseReason>(i)), loop.stats.closed_by[i]);
  close(json, '}');
  open(json, "lag_counts", '[');
  for (const std::uint64_t count : loop.stats.lag.counts) json.append(std::to_string(count)) += ',';
  close(json, ']');
  close(json, '}');
}

}  // namespace

std::string as_prometheus(const std::vector<LoopReport>& loops) {
  std::vector<MetricFamily> families;
  for (const Figure& figure : figures) families.push_back(family_of(figure, loops));
  families.push_back(closed_family(loops));
  families.push_back(lag_family(loops));
  return prometheus::TextSerializer().Serialize(families);
}

std::string as_json(const std::vector<LoopReport>& loops) {
  std::string json = "{";
  open(json, "lag_bounds_us", '[');
  for (std::size_t i = 0; i < LagHistogram::bound_count; ++i)
    json.append(std::to_string(LagHistogram::bound(i) / std::chrono::microseconds(1))) += ',';
  close(json, ']');
  open(json, "loops", '[');
  for (const LoopReport& loop : loops) add_loop(json, loop);
  close(json, ']');
  close(json, '}');
  json.back() = '\n';
  return json;
}

}}}  // namespace evio::v0::detail
