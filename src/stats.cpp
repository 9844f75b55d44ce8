#include <evio/error.hpp>
#include <evio/stats.hpp>

namespace evio::inline v1 {

std::string_view name_of(Ending ending) noexcept {
  switch (ending) {
    case Ending::orderly:
      return "orderly";
    case Ending::detached:
      return "detached";
    case Ending::idle_timeout:
      return "idle_timeout";
    case Ending::input_overflow:
      return "input_overflow";
    case Ending::output_overflow:
      return "output_overflow";
    case Ending::connect_timeout:
      return "connect_timeout";
    case Ending::drain_timeout:
      return "drain_timeout";
    case Ending::handler_failed:
      return "handler_failed";
    case Ending::name_not_found:
      return "name_not_found";
    case Ending::frame_too_large:
      return "frame_too_large";
    case Ending::bad_frame:
      return "bad_frame";
    case Ending::first_bytes_timeout:
      return "first_bytes_timeout";
    case Ending::slow_reader:
      return "slow_reader";
    case Ending::reset:
      return "reset";
    case Ending::other:
      break;
  }
  return "other";
}

namespace {

// Without a default: who adds a code is told by the compiler.
Ending ending_of(Errc code) noexcept {
  switch (code) {
    case Errc::idle_timeout:
      return Ending::idle_timeout;
    case Errc::input_overflow:
      return Ending::input_overflow;
    case Errc::output_overflow:
      return Ending::output_overflow;
    case Errc::connect_timeout:
      return Ending::connect_timeout;
    case Errc::drain_timeout:
      return Ending::drain_timeout;
    case Errc::handler_failed:
      return Ending::handler_failed;
    case Errc::name_not_found:
      return Ending::name_not_found;
    case Errc::frame_too_large:
      return Ending::frame_too_large;
    case Errc::bad_frame:
      return Ending::bad_frame;
    case Errc::first_bytes_timeout:
      return Ending::first_bytes_timeout;
    case Errc::slow_reader:
      return Ending::slow_reader;
  }
  return Ending::other;
}

}  // namespace

Ending ending_of(const std::error_code& error) noexcept {
  if (!error) return Ending::orderly;
  if (error.category() == error_category()) return ending_of(static_cast<Errc>(error.value()));
  // With output pending the kernel calls a reset a broken pipe.
  return error == std::errc::connection_reset || error == std::errc::broken_pipe ? Ending::reset : Ending::other;
}

}  // namespace evio::inline v1
