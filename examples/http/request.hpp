// One HTTP/1.1 request, read by Boost.Beast in place, as its bytes come.
#pragma once

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>
#include <cstddef>
#include <cstdint>
#include <evio/evio.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace http {

namespace beast = boost::beast::http;
using boost::beast::error_code;
using boost::beast::iequals;
using Text = boost::beast::string_view;

inline constexpr std::size_t max_header = 8 << 10;  // request line and fields; also a chunk's line, and all trailers
inline constexpr std::size_t max_body = 1 << 20;

struct Resource {
  std::string_view path;
  beast::verb method;  // get: HEAD as well
  std::string_view allow;
  std::string_view content_type;
};
inline constexpr Resource greeting{"/", beast::verb::get, "GET, HEAD", "text/plain"};
inline constexpr Resource headers{"/headers", beast::verb::get, "GET, HEAD", "text/plain"};
inline constexpr Resource echo{"/echo", beast::verb::post, "POST", "application/octet-stream"};

// Whether a line ends without CR, which Beast notices late, or goes on in the next one (it is folded: the next begins
// with a blank), which Beast allows.
inline bool has_bad_line(std::string_view lines) {
  for (auto end = lines.find('\n'); end != lines.npos; end = lines.find('\n', end + 1)) {
    const std::string_view next = lines.substr(end + 1, 1);
    if (end == 0 || lines[end - 1] != '\r' || next == " " || next == "\t") return true;
  }
  return false;
}

/// One request. Beast's parser reads it; this keeps the little that an answer needs, and adds what RFC 9112 asks of a
/// server and Beast leaves to its user. How its bytes were split on their way does not decide whether it is accepted.
class Request final : public beast::basic_parser<true> {
 public:
  enum class State { partial, complete, refused };

  Request() {
    header_limit(max_header);
    body_limit(max_body);
  }

  /// Reads on, and takes from `in` what was understood.
  State read(evio::Input& in) {
    while (!got_some() && in.view().starts_with("\r\n")) in.consume(2);  // RFC 9112 section 2.2
    while (!is_done()) {
      const bool header = !is_header_done(), lines = header || at_chunk_line();
      const std::string_view bytes = readable(in.view());
      if (bytes.empty()) break;
      error_code error;
      const std::size_t n = put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
      const bool more = error == beast::error::need_more;
      if (lines && has_bad_line(more ? bytes : bytes.substr(0, n))) return refused(400);
      if (header) header_left_ -= n;
      in.consume(n);
      if (more && version_ == 0) return refused(400);  // the whole request line was not enough
      if (more) break;
      if (error) return refused(status_ != 200 ? status_ : status_of(error));
    }
    if (is_done()) return State::complete;
    const bool too_long = !is_header_done() ? in.size() >= header_left_ : at_chunk_line() && in.size() >= max_header;
    return too_long ? refused(431) : State::partial;
  }

  int status() const { return status_; }  // of a refused request
  int version() const { return version_; }
  beast::verb method() const { return method_; }
  const Resource* resource() const { return resource_; }  // null: there is none of that name
  const std::string& text() const { return text_; }       // the body for `echo`, the fields for `headers`
  /// Whether the client waits for "100 Continue" before it sends the body; true once.
  bool awaits_continue() { return is_header_done() && std::exchange(expects_, false); }

 private:
  static int status_of(const error_code& error) {
    if (error == beast::error::header_limit) return 431;
    return error == beast::error::body_limit ? 413 : 400;
  }
  State refused(int status) {
    status_ = status;
    return State::refused;
  }
  void refuse(int status, error_code& error) {
    status_ = status;
    error = beast::error::bad_field;
  }

  bool at_chunk_line() const { return chunked() && chunk_left_ == 0; }

  // How much of the input Beast may see by now.
  std::string_view readable(std::string_view bytes) const {
    if (!is_header_done()) return judgeable_lines(bytes.substr(0, header_left_));
    if (!at_chunk_line()) return bytes;
    // The last chunk, "0\r\n\r\n", is still to come; Beast asserts that so much is there when it looks again.
    return bytes.size() < 5 ? std::string_view() : bytes.substr(0, max_header);
  }

  // Lines of a header that Beast can judge at once. It looks one byte beyond a field's line; given less, it would wait
  // for the whole header before it refuses the next bad line.
  std::string_view judgeable_lines(std::string_view header) const {
    const std::size_t end = header.rfind('\n') + 1;
    if (end == 0) return {};
    if (end < header.size()) return header.substr(0, end + 1);
    const std::size_t last = end == 1 ? 0 : header.rfind('\n', end - 2) + 1;  // where the last line begins
    const bool request_line = last == 0 && !got_some();
    if (request_line || end - last <= 2) return header;
    return last == 0 ? std::string_view() : header.substr(0, last + 1);
  }

  void on_request_impl(beast::verb method, Text, Text target, int version, error_code& error) override {
    method_ = method;
    version_ = version;
    std::string_view path(target.data(), target.size());
    if (path.starts_with("http://")) {
      path.remove_prefix(std::min(path.find_first_of("/?", 7), path.size()));
      if (!path.starts_with('/')) path = "/";
    }
    if (path[0] != '/' && path != "*" && method != beast::verb::connect) return refuse(400, error);
    path = path.substr(0, path.find('?'));
    for (const Resource* each : {&greeting, &headers, &echo})
      if (each->path == path) resource_ = each;
  }

  void on_field_impl(beast::field field, Text name, Text value, error_code& error) override {
    if (is_header_done()) return;  // a trailer
    if (field == beast::field::host) {
      if (++hosts_ > 1 || value.find_first_of("\t \"#,/<>?@\\^`{|}") != Text::npos) return refuse(400, error);
    } else if (field == beast::field::transfer_encoding) {
      if (!iequals(value, "chunked")) return refuse(501, error);
    } else if (field == beast::field::expect && version_ > 10) {
      if (!iequals(value, "100-continue")) return refuse(417, error);
      expects_ = true;
    }
    if (resource_ == &headers) {
      text_.append(name.data(), name.size()).append(": ");
      text_.append(value.data(), value.size()).append("\n");
    }
  }

  void on_header_impl(error_code& error) override {
    if (version_ > 10 ? hosts_ != 1 : chunked()) refuse(400, error);
  }

  std::size_t on_body_impl(Text body, error_code&) override {
    if (resource_ == &echo) text_.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t size, Text extensions, error_code& error) override {
    chunk_left_ = size;
    if ((extensions_ += extensions.size()) > max_header) refuse(431, error);
  }
  std::size_t on_chunk_body_impl(std::uint64_t left, Text body, error_code& error) override {
    chunk_left_ = left - body.size();
    return on_body_impl(body, error);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, Text, int, error_code&) override {}

  beast::verb method_ = beast::verb::unknown;
  const Resource* resource_ = nullptr;
  std::string text_;
  std::size_t header_left_ = max_header;
  std::uint64_t chunk_left_ = 0;
  std::size_t extensions_ = 0;
  int status_ = 200;
  int version_ = 0;
  int hosts_ = 0;
  bool expects_ = false;
};

}  // namespace http
