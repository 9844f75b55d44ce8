#include "validate.hpp"

#include <evio/error.hpp>
#include <string>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {

namespace {

[[noreturn]] void refuse(const std::string& problem) {
  throw Error(std::make_error_code(std::errc::invalid_argument), "", problem);
}

void check_not_negative(Duration value, const char* field) {
  if (value < Duration::zero()) refuse(std::string(field) + " is negative");
}

// The range that the kernel accepts for times of keep-alive probes.
void check_probe_time(Duration value, const char* field) {
  constexpr Duration most = std::chrono::seconds(32767);
  if (value < std::chrono::seconds(1) || value > most)
    refuse(std::string(field) + " must be between 1 and 32767 seconds");
}

void validate(const Limits& limits) {
  if (limits.output_low > limits.output_high)
    refuse("Limits::output_low (" + std::to_string(limits.output_low) +
           ") is more than Limits::output_high (" + std::to_string(limits.output_high) + ")");
  check_not_negative(limits.drain_timeout, "Limits::drain_timeout");
  check_not_negative(limits.linger_timeout, "Limits::linger_timeout");
  check_not_negative(limits.connect_timeout, "Limits::connect_timeout");
  check_not_negative(limits.first_bytes_timeout, "Limits::first_bytes_timeout");
  check_not_negative(limits.slow_reader_timeout, "Limits::slow_reader_timeout");
  if (limits.backlog < 0) refuse("Limits::backlog is negative");
}

}  // namespace

void validate(const Options& options) {
  constexpr int probes_most = 127;  // the kernel's limit
  if (options.idle_timeout) check_not_negative(*options.idle_timeout, "Options::idle_timeout");
  if (options.keep_alive && *options.keep_alive != Duration::zero())
    check_probe_time(*options.keep_alive, "Options::keep_alive, unless it is 0 (off),");
  if (options.keep_alive_interval)
    check_probe_time(*options.keep_alive_interval, "Options::keep_alive_interval");
  if (options.keep_alive_count &&
      (*options.keep_alive_count < 1 || *options.keep_alive_count > probes_most))
    refuse("Options::keep_alive_count must be 1 to 127");
  if (options.file_mode && *options.file_mode > 07777)
    refuse("Options::file_mode has bits beyond 07777");
  if (options.source && !options.source->has_ip())
    refuse("Options::source is '" + options.source->to_string() +
           "': give an IP address, such as tcp://10.0.0.1:0");
}

Events validated(Events&& events) {
  Limits& limits = events.limits;
  if (limits.output_low == Limits{}.output_low && limits.output_low > limits.output_high)
    limits.output_low = limits.output_high / 4;  // the user set output_high only
  check_not_negative(events.busy_poll, "Events::busy_poll");
  validate(limits);
  validate(events.options);
  return std::move(events);
}

}}}  // namespace evio::v0::detail
