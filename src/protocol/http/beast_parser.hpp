// Boost.Beast's parser with what is common to requests and responses: bodies and trailers, which
// are read in place.
#pragma once

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <evio/http/field.hpp>
#include <string_view>
#include <vector>

#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

namespace beast = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastText = boost::beast::string_view;

inline std::string_view view(BeastText text) { return {text.data(), text.size()}; }
inline boost::asio::const_buffer beast_buffer(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

/// Whether one of these lines is invalid in a way that Beast accepts or notices late: it ends
/// without CR, is continued by the next one (folding: the next begins with a blank), or has a
/// control character in a quoted string.
inline bool has_bad_line(std::string_view lines) {
  const auto is_control = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n') ||
           c == '\x7f';
  };
  if (std::ranges::any_of(lines, is_control)) return true;
  for (auto end = lines.find('\n'); end != lines.npos; end = lines.find('\n', end + 1)) {
    const std::string_view next = lines.substr(end + 1, 1);
    if (end == 0 || lines[end - 1] != '\r' || next == " " || next == "\t") return true;
  }
  return false;
}

/// Whether a chunk's line, perhaps after the CRLF of the previous chunk, ends inside a quoted
/// string. Beast would look for the closing quote in the chunk's data.
inline bool ends_quoted(std::string_view lines) {
  const std::size_t begin = lines.starts_with("\r\n") ? 2 : 0, end = lines.find('\n', begin);
  if (end == lines.npos) return false;
  bool quoted = false;
  for (std::size_t i = begin; i < end; ++i) {
    if (lines[i] == '"') quoted = !quoted;
    if (lines[i] == '\\' && quoted) ++i;
  }
  return quoted;
}

enum class BodyState {
  partial,   // more bytes are needed
  piece,     // a piece was read
  end,       // the body has ended, perhaps with a last piece
  bad,       // the framing is invalid
  too_long,  // the body exceeds body_limit
  bad_size,  // a line, the extensions or the trailers exceed max_line
};

/// A push parser. Beast's own body and field containers are not used: pieces are views of the
/// input.
template <bool isRequest>
class BeastParser : public beast::basic_parser<isRequest> {
 public:
  BeastParser() {
    this->header_limit(UINT32_MAX);  // the callers measure headers before they pass them
    this->body_limit(UINT64_MAX);    // the default is 1 MiB; the owner sets its own
  }

  /// Reads the next piece of the body. No line of the chunked framing may be longer than max_line.
  /// `used` is set to the number of bytes read.
  BodyState read_body(std::string_view bytes, std::size_t max_line, std::size_t& used) {
    used = 0;
    piece = {};
    if (this->is_done()) return BodyState::end;
    const bool line = this->chunked() && chunk_left_ == 0;
    // At least the last chunk, "0\r\n\r\n", is still to come. Beast asserts that five bytes are
    // there when it continues after a chunk.
    if (bytes.size() < (line ? 5U : 1U)) return BodyState::partial;
    const std::string_view readable = line ? bytes.substr(0, max_line) : bytes;
    BeastError error;
    used = this->put(beast_buffer(readable), error);
    const bool more = error == beast::error::need_more;
    if (line && has_bad_line(more ? readable : readable.substr(0, used))) return BodyState::bad;
    if (line && more && ends_quoted(readable)) return BodyState::bad;
    if (more) return readable.size() < max_line ? BodyState::partial : BodyState::bad_size;
    if (error == beast::error::body_limit) return BodyState::too_long;
    if (error) return BodyState::bad;
    // The sum over all chunks: otherwise a body of many small chunks could have any number of bytes
    // that body_limit does not count.
    if (extensions_ > max_line) return BodyState::bad_size;
    return this->is_done() ? BodyState::end : BodyState::piece;
  }

  /// Whether the connection continues after the message (RFC 9112, section 9.3).
  bool persists() const noexcept {
    return !close_ && (version_ > 10 || keep_alive_) && !this->need_eof();
  }

  std::string_view piece;  // what the last read_body() found; a view of its bytes
  std::vector<Field> trailers;

 protected:
  std::size_t on_body_impl(BeastText body, BeastError&) override {
    piece = view(body);
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, BeastText extensions, BeastError&) override {
    chunk_left_ = size;
    extensions_ += extensions.size();
  }
  std::size_t on_chunk_body_impl(std::uint64_t left, BeastText body, BeastError& error) override {
    chunk_left_ = left - body.size();
    return on_body_impl(body, error);
  }
  /// These decide persists(). Beast's own keep_alive() ignores `close` in HTTP/1.0 and evaluates
  /// Proxy-Connection, which is not a field of HTTP.
  void note_version(int version) noexcept { version_ = version; }
  void note_field(beast::field field, BeastText value) noexcept {
    if (field != beast::field::connection) return;
    close_ = close_ || has_token(view(value), "close");
    keep_alive_ = keep_alive_ || has_token(view(value), "keep-alive");
  }
  void on_header_impl(BeastError&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
  void on_finish_impl(BeastError&) override {}
  void on_request_impl(beast::verb, BeastText, BeastText, int, BeastError&) override {}
  void on_response_impl(int, BeastText, int, BeastError&) override {}

 private:
  std::uint64_t chunk_left_ = 0;
  std::size_t extensions_ = 0;  // bytes of the extensions of all chunks
  int version_ = 11;
  bool close_ = false;
  bool keep_alive_ = false;
};

}}}  // namespace evio::v0::http
