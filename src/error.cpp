// Error and the messages of Errc.
#include <evio/error.hpp>

#include "printable.hpp"

namespace evio { inline namespace v0 {

using namespace detail;
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "evio"; }

  std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::idle_timeout:
        return "no byte was received or sent for Options::idle_timeout";
      case Errc::input_overflow:
        return "a handler left more than Limits::input_max bytes of input unconsumed";
      case Errc::output_overflow:
        return "more output than Limits::output_max was waiting to be sent";
      case Errc::connect_timeout:
        return "not connected within Limits::connect_timeout";
      case Errc::drain_timeout:
        return "the peer received no output for Limits::drain_timeout while the connection closed";
      case Errc::handler_failed:
        return "an exception left a handler of the connection";
      case Errc::name_not_found:
        return "the name of the host to connect to was not found";
      case Errc::frame_too_large:
        return "the peer sent a frame of more than Limits::input_max bytes";
      case Errc::bad_frame:
        return "the peer sent bytes that are not a valid frame of Events::codec";
      case Errc::first_bytes_timeout:
        return "the peer sent nothing within Limits::first_bytes_timeout";
      case Errc::slow_reader:
        return "the peer received output more slowly than Limits::slow_reader_timeout allows";
    }
    return "unknown evio error " + std::to_string(code);
  }
};

// Whether the code's message adds anything to the problem. "Invalid argument" never does, since the
// problem says what is invalid.
bool tells_more(const std::error_code& code, std::string_view problem) {
  return code && code != std::errc::invalid_argument &&
         problem.find(code.message()) == problem.npos;
}

std::string describe(const std::error_code& code, std::string_view address,
                     std::string_view problem) {
  std::string text = printable(address);
  if (!text.empty() && !problem.empty()) text += ": ";
  text += printable(problem);
  if (text.empty()) return code.message();
  if (tells_more(code, problem)) text += " (" + code.message() + ")";
  return text;
}

}  // namespace

std::string detail::printable(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string shown;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte != 0x7f)
      shown += c;
    else
      (((shown += "\\x") += digits[byte >> 4]) += digits[byte & 15]);
  }
  return shown;
}

const std::error_category& error_category() noexcept {
  static const Category category;
  return category;
}

std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

Error::Error(std::error_code code, std::string_view address, std::string_view problem)
    : std::system_error(code),
      address_(address),
      problem_(problem),
      what_(describe(code, address, problem)) {}

}}  // namespace evio::v0
