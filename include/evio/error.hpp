// Errc and Error: the library's error codes, and the exception that names an address.
#pragma once

#include <evio/export.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace evio { inline namespace v0 {

/// Why the library itself ended a connection: the error codes of Events::closed. An error of the
/// kernel arrives as a std::errc instead.
///
///     .closed = [](evio::Conn&, std::error_code why) {
///       if (why == evio::Errc::idle_timeout) ...
///     }
enum class Errc {
  /// No byte was transferred in either direction for Options::idle_timeout.
  idle_timeout = 1,
  /// Handlers left more than Limits::input_max bytes untaken.
  input_overflow,
  /// More than Limits::output_max bytes waited to be sent.
  output_overflow,
  /// Not connected within Limits::connect_timeout.
  connect_timeout,
  /// The peer accepted no output for Limits::drain_timeout while the connection was closing.
  drain_timeout,
  /// An exception left a handler of the connection.
  handler_failed,
  /// The host of the address to connect to was not found.
  name_not_found,
  /// A frame of Events::codec has more than Limits::input_max bytes.
  frame_too_large,
  /// The peer sent bytes that are not a frame of Events::codec.
  bad_frame,
  /// The peer sent nothing within Limits::first_bytes_timeout.
  first_bytes_timeout,
  /// The peer accepted output more slowly than Limits::slow_reader_timeout allows.
  slow_reader,
};

/// The category of Errc, named "evio".
EVIO_API const std::error_category& error_category() noexcept;
/// Makes `std::error_code code = Errc::idle_timeout` work.
EVIO_API std::error_code make_error_code(Errc code) noexcept;

/// Thrown by everything that sets a server up: for wrong addresses, ports in use, missing backends,
/// values out of range. what() says which address or field is concerned, what is wrong with it and,
/// where there is one, the remedy. Once a server runs, errors of connections go to Events::closed.
class EVIO_API Error : public std::system_error {
 public:
  /// `address` is as the user wrote it, empty if none is concerned; `problem` says in a few words
  /// what is wrong.
  Error(std::error_code code, std::string_view address, std::string_view problem);

  /// "address: problem (the code's message)". Control characters are printed as `\xNN`. The message
  /// is left out if the problem says the same.
  const char* what() const noexcept override { return what_.c_str(); }
  /// The address concerned, as the user wrote it; empty if none is.
  const std::string& address() const noexcept { return address_; }
  /// What is wrong, in a few words.
  const std::string& problem() const noexcept { return problem_; }

 private:
  std::string address_;
  std::string problem_;
  std::string what_;
};

}}  // namespace evio::v0

template <>
struct std::is_error_code_enum<evio::Errc> : std::true_type {};
