// Reads requests strictly: Boost.Beast's parser, and the checks that RFC 9112 requires of a server
// and Beast leaves to its user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <evio/http/settings.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/http/message.hpp"

namespace evio { inline namespace v0 { namespace http {

/// Reads one request after the other. Beast gets a header only when it has arrived completely, so
/// that the way in which the network splits the bytes never decides what is accepted. The lines are
/// checked as they arrive, so that an invalid request is refused without waiting for its end.
class RequestParser {
 public:
  enum class State {
    partial,  // more bytes are needed
    done,     // the header was read, or a piece of the body
    end,      // the body has ended, perhaps with a last piece
    refused,  // the request is invalid: answer status() and close
  };
  struct Piece {
    State state;
    std::string_view bytes;
  };

  RequestParser();
  RequestParser(const RequestParser&) = delete;
  ~RequestParser();

  /// Prepares for the next request.
  void reset();
  /// Reads the header at the front of `bytes`. While the result is `partial`, call it again with
  /// the same bytes and more. `used` is set to the header's size. The message refers to `bytes`.
  State read_header(std::string_view bytes, const Settings& settings, Message& message,
                    std::size_t& used);
  /// Sets how many bytes of body are accepted. To be called after the header was read.
  void limit_body(std::uint64_t bytes);
  /// Reads the next piece of the body. `used` is set to the number of bytes read.
  Piece read_body(std::string_view bytes, const Settings& settings, std::size_t& used);
  /// The trailers, after `end`. They refer to the bytes of the last call.
  const std::vector<Field>& trailers() const noexcept;
  /// The status with which a refused request is answered.
  int status() const noexcept { return status_; }

 private:
  class Beast;

  State refuse(int status) noexcept {
    status_ = status;
    return State::refused;
  }
  State check_lines(std::string_view bytes, const Settings& settings);
  State check_request_line(std::string_view line);
  State parse_header(std::string_view header, Message& message);

  // Made anew for each request, because Beast's parsers read one message. The memory is reused.
  std::unique_ptr<std::optional<Beast>> beast_;
  std::size_t scanned_ = 0;  // bytes of the header that were checked
  std::size_t line_ = 0;     // where the last line begins
  std::size_t lines_ = 0;    // the number of complete lines
  int status_ = 400;
};

}}}  // namespace evio::v0::http
