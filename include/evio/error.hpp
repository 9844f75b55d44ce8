// What can go wrong: error codes of the library, and the exception that names an address.
#pragma once

#include <evio/export.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace evio { inline namespace v0 {

/// Why the library itself ended a connection; what the kernel said arrives as a std::errc instead.
enum class Errc {
  idle_timeout = 1,  ///< no byte moved either way for Options::idle_timeout
  input_overflow,    ///< more than Limits::input_max was left untaken
  output_overflow,   ///< more than Limits::output_max was waiting to be sent
  connect_timeout,   ///< not connected within Limits::connect_timeout
  drain_timeout,     ///< the peer took no output for Limits::drain_timeout while the connection was
                     ///< closing
  handler_failed,    ///< an exception left one of the connection's handlers
  name_not_found,    ///< the host of the address to connect to is not known
  frame_too_large,   ///< a frame of Events::codec has more than Limits::input_max bytes
  bad_frame,         ///< what the peer sent is no frame of Events::codec
  first_bytes_timeout,  ///< nothing came within Limits::first_bytes_timeout
  slow_reader,  ///< the peer took output more slowly than Limits::slow_reader_timeout allows
};

EVIO_API const std::error_category& error_category() noexcept;
EVIO_API std::error_code make_error_code(Errc code) noexcept;

/// Thrown by what sets a server up: bad addresses, ports in use, missing backends. what() tells
/// which address, what is wrong with it and, where there is one, the way out.
class EVIO_API Error : public std::system_error {
 public:
  /// `address` as the user wrote it (empty if none is concerned); `problem`: what is wrong, in a
  /// few words.
  Error(std::error_code code, std::string_view address, std::string_view problem);

  /// "address: problem (the code's message)"; control characters are shown as \xNN. The message is
  /// left out where it says no more than the problem does.
  const char* what() const noexcept override { return what_.c_str(); }
  /// The address concerned, as the user wrote it; empty if none is.
  const std::string& address() const noexcept { return address_; }
  /// What is wrong with it.
  const std::string& problem() const noexcept { return problem_; }

 private:
  std::string address_;
  std::string problem_;
  std::string what_;
};

}}  // namespace evio::v0

template <>
struct std::is_error_code_enum<evio::Errc> : std::true_type {};
