// Reads requests, strictly: Boost.Beast's parser in place, and around it what RFC 9112
// asks of a server and Beast leaves to its user.
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

/// Reads one request after the other. A header is read when it is there as a whole (its lines are
/// looked at as they come), so how the bytes were split on their way never decides what is
/// accepted.
class RequestParser {
 public:
  enum class State {
    partial,  // needs more
    done,     // the header, or a piece of the body; for the body see piece
    end,      // of the body
    refused,  // see status()
  };
  struct Piece {
    State state;
    std::string_view bytes;
  };

  RequestParser();
  RequestParser(const RequestParser&) = delete;
  ~RequestParser();

  /// Begins with the next request.
  void reset();
  /// Reads the header at the front of `bytes`, which keep their place until it is done; `used`: how
  /// many they were.
  State read_header(std::string_view bytes, const Settings& settings, Message& message,
                    std::size_t& used);
  /// How much body is accepted. Behind the header.
  void limit_body(std::uint64_t bytes);
  /// Reads the next piece of the body; `used`: the bytes read.
  Piece read_body(std::string_view bytes, const Settings& settings, std::size_t& used);
  /// Behind the end of the body; they look into the bytes given last.
  const std::vector<Field>& trailers() const noexcept;
  /// Of a refused request.
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

  std::unique_ptr<std::optional<Beast>>
      beast_;                // made anew for each request: Beast's parsers read one
  std::size_t scanned_ = 0;  // of the header
  std::size_t line_ = 0;     // where its last line begins
  std::size_t lines_ = 0;    // that it has
  int status_ = 400;
};

}}}  // namespace evio::v0::http
