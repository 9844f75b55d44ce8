// Reads requests strictly.
#include "protocol/http/request_parser.hpp"

#include <algorithm>
#include <utility>

#include "protocol/http/beast_parser.hpp"
#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

namespace {

// Whether a target is a host and a port, as CONNECT's must be (RFC 9112, section 3.2.3).
bool has_port(std::string_view target) {
  const std::string_view port = target.substr(std::min(target.rfind(':'), target.size() - 1) + 1);
  return is_authority(target) && !port.empty() && !port.ends_with(']');
}

// Splits a target into host, path and query. False: it has none of the forms of RFC 9112, section
// 3.2, that its method allows.
bool split_target(Message& message) {
  std::string_view path = message.target;
  if (message.method == "CONNECT") return has_port(path);
  if (path.size() >= 7 && iequals(path.substr(0, 7), "http://")) {
    const std::size_t authority = std::min(path.find_first_of("/?#", 7), path.size());
    message.host = path.substr(7, authority - 7);
    if (!is_authority(message.host)) return false;
    path.remove_prefix(authority);
    // "http://host?query" has the path "/". The slash before the host serves as its text, because
    // the path must be a view of the header.
    if (!path.starts_with('/')) {
      message.path = message.target.substr(6, 1);
      if (path.starts_with('?')) message.query = path.substr(1);
      return path.find('#') == path.npos;
    }
  }
  const bool other_form = path == "*" && message.method == "OPTIONS";
  if ((!path.starts_with('/') && !other_form) || path.find('#') != path.npos) return false;
  const std::size_t end = std::min(path.find('?'), path.size());
  message.path = path.substr(0, end);
  message.query = path.substr(std::min(end + 1, path.size()));
  return true;
}

// Whether these bytes can be the beginning of a request line. A client of another protocol, such as
// TLS, is refused at once and need not wait for header_timeout.
bool may_begin_request(std::string_view bytes) {
  const std::string_view method = bytes.substr(0, bytes.find(' '));
  return is_token(method) || bytes.empty() || bytes == "\r";
}

// Whether `chunked` is the last coding of a Transfer-Encoding. If it is, the body's end is known
// and only the other codings are not supported: 501. If not, the request is invalid: 400 (RFC 9112,
// sections 6.1 and 6.3).
bool ends_chunked(std::string_view codings) {
  bool once = false;
  for (std::string_view each = next_member(codings); !each.empty(); each = next_member(codings)) {
    if (once) return false;
    once = iequals(each, "chunked");
  }
  return once;
}

}  // namespace

class RequestParser::Beast final : public BeastParser<true> {
 public:
  Message* message = nullptr;  // while the header is read
  int status = 400;            // if it is refused by one of the calls below

 private:
  void refuse(int with, BeastError& error) {
    status = with;
    error = beast::error::bad_field;
  }

  void on_request_impl(beast::verb, BeastText method, BeastText target, int version,
                       BeastError& error) override {
    if (!message) return;
    message->method = view(method);
    message->target = view(target);
    message->version = version;
    note_version(version);
    if (!split_target(*message)) refuse(400, error);
  }

  void on_field_impl(beast::field field, BeastText name, BeastText value,
                     BeastError& error) override {
    if (is_header_done()) {
      trailers.push_back({view(name), view(value)});
      return;
    }
    if (!message) return;
    note_field(field, value);
    message->fields.push_back({view(name), view(value)});
    if (field == beast::field::host) {
      if (++hosts_ > 1 || !is_host(view(value))) refuse(400, error);
      if (message->host.empty()) message->host = view(value);
    } else if (field == beast::field::content_length) {
      if (++lengths_ > 1 || value.find(',') != BeastText::npos) refuse(400, error);
    } else if (field == beast::field::transfer_encoding) {
      if (!iequals(view(value), "chunked")) refuse(ends_chunked(view(value)) ? 501 : 400, error);
    } else if (field == beast::field::expect && message->version > 10) {
      if (!iequals(view(value), "100-continue")) refuse(417, error);
      message->expects_continue = true;
    }
  }

  void on_header_impl(BeastError& error) override {
    if (message && (message->version > 10 ? hosts_ != 1 : chunked())) refuse(400, error);
  }

  int hosts_ = 0;
  int lengths_ = 0;
};

RequestParser::RequestParser() : beast_(std::make_unique<std::optional<Beast>>(std::in_place)) {}
RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  scanned_ = line_ = lines_ = 0;
  status_ = 400;
}

RequestParser::State RequestParser::read_header(std::string_view bytes, const Settings& settings,
                                                Message& message, std::size_t& used) {
  const State lines = check_lines(bytes, settings);
  if (lines != State::done) return lines;
  used = scanned_;
  return parse_header(bytes.substr(0, used), message);
}

// Checks each line as it arrives. `done`: the empty line that ends the header was found. A line
// that ends without CR, or that continues the previous one (folding), is refused: proxies differ in
// how they read these, which allows request smuggling (RFC 9112, sections 2.2 and 5.2).
RequestParser::State RequestParser::check_lines(std::string_view bytes, const Settings& settings) {
  const std::string_view header = bytes.substr(0, settings.header_max);
  for (;;) {
    const std::size_t end = header.find('\n', scanned_);
    const std::size_t length = std::min(end, header.size()) - line_;
    if (lines_ == 0 && length > settings.request_line_max) return refuse(414);
    if (end == header.npos) break;
    scanned_ = end + 1;
    if (length == 0 || header[end - 1] != '\r') return refuse(400);
    if (length == 1) return State::done;
    if (header[line_] == ' ' || header[line_] == '\t') return refuse(400);
    if (lines_ == 0 && check_request_line(header.substr(0, scanned_)) == State::refused)
      return State::refused;
    if (lines_++ > settings.fields_max) return refuse(431);
    line_ = scanned_;
  }
  scanned_ = header.size();
  if (lines_ == 0 && !may_begin_request(header)) return refuse(400);
  if (bytes.size() < settings.header_max) return State::partial;
  return refuse(lines_ == 0 ? 414 : 431);
}

// Checks that the line has the form of a request line with a version 1.x. A client of another
// protocol is refused at once.
RequestParser::State RequestParser::check_request_line(std::string_view line) {
  const std::size_t space = line.find(' ');
  const bool form = space != line.npos && line.size() > 11 &&
                    line.find(" HTTP/1.", space + 1) == line.size() - 11;
  return form ? State::done : refuse(400);
}

RequestParser::State RequestParser::parse_header(std::string_view header, Message& message) {
  message.clear();
  message.bytes = header;
  Beast& parser = beast_->emplace();
  parser.message = &message;
  BeastError error;
  const std::size_t read = parser.put(beast_buffer(header), error);
  parser.message = nullptr;
  if (error == beast::error::need_more || (!error && read != header.size())) return refuse(400);
  if (error) return refuse(parser.status);
  if (message.path.starts_with('/') && !is_normal_path(message.path)) {
    message.other_path = std::make_unique<std::string>(normal_path(message.path));
    message.path = *message.other_path;
  }
  message.chunked = parser.chunked();
  message.keep_alive = parser.persists();
  if (const auto length = parser.content_length()) message.length = *length;
  return State::done;
}

void RequestParser::limit_body(std::uint64_t bytes) { (*beast_)->body_limit(bytes); }

RequestParser::Piece RequestParser::read_body(std::string_view bytes, const Settings& settings,
                                              std::size_t& used) {
  Beast& parser = **beast_;
  switch (parser.read_body(bytes, settings.header_max, used)) {
    case BodyState::partial:
      return {State::partial, {}};
    case BodyState::piece:
      return {State::done, parser.piece};
    case BodyState::end:
      return {State::end, parser.piece};
    case BodyState::too_long:
      return {refuse(413), {}};
    case BodyState::bad_size:
      return {refuse(431), {}};
    case BodyState::bad:
      break;
  }
  return {refuse(parser.status), {}};
}

const std::vector<Field>& RequestParser::trailers() const noexcept { return (*beast_)->trailers; }

}}}  // namespace evio::v0::http
