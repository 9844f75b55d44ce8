// The reasons for which connections close, and their names in statistics.
#include <evio/error.hpp>
#include <evio/stats.hpp>

namespace evio { inline namespace v0 {

std::string_view name_of(CloseReason ending) noexcept {
  switch (ending) {
    case CloseReason::orderly:
      return "orderly";
    case CloseReason::detached:
      return "detached";
    case CloseReason::idle_timeout:
      return "idle_timeout";
    case CloseReason::input_overflow:
      return "input_overflow";
    case CloseReason::output_overflow:
      return "output_overflow";
    case CloseReason::connect_timeout:
      return "connect_timeout";
    case CloseReason::drain_timeout:
      return "drain_timeout";
    case CloseReason::handler_failed:
      return "handler_failed";
    case CloseReason::name_not_found:
      return "name_not_found";
    case CloseReason::frame_too_large:
      return "frame_too_large";
    case CloseReason::bad_frame:
      return "bad_frame";
    case CloseReason::first_bytes_timeout:
      return "first_bytes_timeout";
    case CloseReason::slow_reader:
      return "slow_reader";
    case CloseReason::reset:
      return "reset";
    case CloseReason::other:
      break;
  }
  return "other";
}

namespace {

// Without a default, so that the compiler warns when a new code is missing here.
CloseReason close_reason_of(Errc code) noexcept {
  switch (code) {
    case Errc::idle_timeout:
      return CloseReason::idle_timeout;
    case Errc::input_overflow:
      return CloseReason::input_overflow;
    case Errc::output_overflow:
      return CloseReason::output_overflow;
    case Errc::connect_timeout:
      return CloseReason::connect_timeout;
    case Errc::drain_timeout:
      return CloseReason::drain_timeout;
    case Errc::handler_failed:
      return CloseReason::handler_failed;
    case Errc::name_not_found:
      return CloseReason::name_not_found;
    case Errc::frame_too_large:
      return CloseReason::frame_too_large;
    case Errc::bad_frame:
      return CloseReason::bad_frame;
    case Errc::first_bytes_timeout:
      return CloseReason::first_bytes_timeout;
    case Errc::slow_reader:
      return CloseReason::slow_reader;
  }
  return CloseReason::other;
}

}  // namespace

CloseReason close_reason_of(const std::error_code& error) noexcept {
  if (!error) return CloseReason::orderly;
  if (error.category() == error_category())
    return close_reason_of(static_cast<Errc>(error.value()));
  // If output is pending, the kernel reports a reset as a broken pipe.
  return error == std::errc::connection_reset || error == std::errc::broken_pipe
             ? CloseReason::reset
             : CloseReason::other;
}

}}  // namespace evio::v0
