// An HTTP/1.1 server: GET / greets, GET /headers shows the request's fields, POST /echo sends the body back.
// Boost.Beast parses the requests, in place, as they come; answers to pipelined requests leave together.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <evio/evio.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::iequals;
using Text = boost::beast::string_view;

constexpr std::size_t max_header = 8 << 10;  // request line and fields; also a chunk's line, and all trailers
constexpr std::size_t max_body = 1 << 20;
constexpr std::size_t full_batch = 64 << 10;  // bytes of answers that are gathered before they are written

struct Resource {
  std::string_view path;
  http::verb method;  // get: HEAD as well
  std::string_view allow;
  std::string_view content_type;
};
constexpr Resource greeting{"/", http::verb::get, "GET, HEAD", "text/plain"};
constexpr Resource headers{"/headers", http::verb::get, "GET, HEAD", "text/plain"};
constexpr Resource echo{"/echo", http::verb::post, "POST", "application/octet-stream"};

// Whether a line ends without CR, which Beast notices late, or goes on in the next one (it is folded: the next begins
// with a blank), which Beast allows.
bool has_bad_line(std::string_view lines) {
  for (auto end = lines.find('\n'); end != lines.npos; end = lines.find('\n', end + 1)) {
    const std::string_view next = lines.substr(end + 1, 1);
    if (end == 0 || lines[end - 1] != '\r' || next == " " || next == "\t") return true;
  }
  return false;
}

/// One request. Beast's parser reads it; this keeps the little that an answer needs, and adds what RFC 9112 asks of a
/// server and Beast leaves to its user. How its bytes were split on their way does not decide whether it is accepted.
class Request final : public http::basic_parser<true> {
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
      const bool more = error == http::error::need_more;
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
  http::verb method() const { return method_; }
  const Resource* resource() const { return resource_; }  // null: there is none of that name
  const std::string& text() const { return text_; }       // the body for `echo`, the fields for `headers`
  /// Whether the client waits for "100 Continue" before it sends the body; true once.
  bool awaits_continue() { return is_header_done() && std::exchange(expects_, false); }

 private:
  static int status_of(const error_code& error) {
    if (error == http::error::header_limit) return 431;
    return error == http::error::body_limit ? 413 : 400;
  }
  State refused(int status) {
    status_ = status;
    return State::refused;
  }
  void refuse(int status, error_code& error) {
    status_ = status;
    error = http::error::bad_field;
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

  void on_request_impl(http::verb method, Text, Text target, int version, error_code& error) override {
    method_ = method;
    version_ = version;
    std::string_view path(target.data(), target.size());
    if (path.starts_with("http://")) {
      path.remove_prefix(std::min(path.find_first_of("/?", 7), path.size()));
      if (!path.starts_with('/')) path = "/";
    }
    if (path[0] != '/' && path != "*" && method != http::verb::connect) return refuse(400, error);
    path = path.substr(0, path.find('?'));
    for (const Resource* each : {&greeting, &headers, &echo})
      if (each->path == path) resource_ = each;
  }

  void on_field_impl(http::field field, Text name, Text value, error_code& error) override {
    if (is_header_done()) return;  // a trailer
    if (field == http::field::host) {
      if (++hosts_ > 1 || value.find_first_of("\t \"#,/<>?@\\^`{|}") != Text::npos) return refuse(400, error);
    } else if (field == http::field::transfer_encoding) {
      if (!iequals(value, "chunked")) return refuse(501, error);
    } else if (field == http::field::expect && version_ > 10) {
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

  http::verb method_ = http::verb::unknown;
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

struct Answer {
  int status;
  std::string_view body;
  std::string_view content_type = "text/plain";
  std::string_view allow{};
};

Answer plain(int status) {
  const Text reason = http::obsolete_reason(static_cast<http::status>(status));
  return {status, std::string_view(reason.data(), reason.size())};
}

Answer answer_to(const Request& request) {
  const Resource* resource = request.resource();
  if (!resource) return plain(404);
  const http::verb method = request.method() == http::verb::head ? http::verb::get : request.method();
  if (method != resource->method) {
    Answer refusal = plain(405);
    refusal.allow = resource->allow;
    return refusal;
  }
  return {200, resource == &greeting ? "Hello, World!\r\n" : std::string_view(request.text()), resource->content_type};
}

constexpr std::string_view closing = "Connection: close\r\n";

std::string_view connection_field(const Request& request) {
  if (!request.keep_alive()) return closing;
  return request.version() > 10 ? "" : "Connection: keep-alive\r\n";
}

/// A loop's answers on their way out, and the fields that all of them have.
class Answers {
 public:
  void add(const Answer& answer, std::string_view connection, bool head, const evio::Loop& loop) {
    const Text reason = http::obsolete_reason(static_cast<http::status>(answer.status));
    batch_ += "HTTP/1.1 ";
    add_number(static_cast<std::size_t>(answer.status));
    batch_.append(" ").append(reason.data(), reason.size()).append("\r\n").append(common_fields(loop.now()));
    if (!answer.allow.empty()) batch_.append("Allow: ").append(answer.allow).append("\r\n");
    batch_.append("Content-Type: ").append(answer.content_type).append("\r\nContent-Length: ");
    add_number(answer.body.size());
    batch_.append("\r\n").append(connection).append("\r\n");
    if (!head) batch_ += answer.body;
  }
  void add_continue() { batch_ += "HTTP/1.1 100 Continue\r\n\r\n"; }

  bool full() const { return batch_.size() >= full_batch; }
  /// False: the client is slow to read, stop producing.
  bool write(evio::Conn& conn) {
    const bool ready = batch_.empty() || conn.write(batch_);
    batch_.clear();
    return ready;
  }

 private:
  void add_number(std::size_t number) {
    char digits[20];
    batch_.append(digits, std::to_chars(digits, std::end(digits), number).ptr);
  }

  // Server and Date, formatted once a second.
  std::string_view common_fields(std::chrono::steady_clock::time_point now) {
    if (now >= stale_) {
      const auto time = std::chrono::system_clock::now();
      const auto second = std::chrono::floor<std::chrono::seconds>(time);
      stale_ = now + (second + std::chrono::seconds(1) - time);
      const std::time_t seconds = std::chrono::system_clock::to_time_t(second);
      std::tm utc{};
      gmtime_r(&seconds, &utc);
      size_ = std::strftime(fields_, sizeof fields_, "Server: evio\r\nDate: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    }
    return {fields_, size_};
  }

  std::string batch_;
  std::chrono::steady_clock::time_point stale_{};
  char fields_[64];
  std::size_t size_ = 0;
};

/// What a connection carries: the request being read, if any, and until when it must be complete.
struct Session {
  std::optional<Request> request;
  evio::Timer deadline;
};

void give_up(evio::Conn& conn) {
  Answers& answers = *conn.loop().context<Answers>();
  answers.add(plain(408), closing, false, conn.loop());
  answers.write(conn);
  conn.close();
}

evio::Action on_data(evio::Conn& conn, evio::Input& in, evio::Duration patience) {
  Session& session = *conn.context<Session>();
  Answers& answers = *conn.loop().context<Answers>();
  std::optional<Request>& request = session.request;

  while (!in.empty()) {
    if (!request) request.emplace();
    const Request::State state = request->read(in);
    const bool head = request->method() == http::verb::head;
    if (state == Request::State::partial) {
      if (request->awaits_continue()) answers.add_continue();
      break;
    }
    if (state == Request::State::refused) {
      answers.add(plain(request->status()), closing, head, conn.loop());
      answers.write(conn);
      return evio::Action::close;
    }
    answers.add(answer_to(*request), connection_field(*request), head, conn.loop());
    const bool keep_alive = request->keep_alive();
    request.reset();
    session.deadline.cancel();
    if (!keep_alive) {
      answers.write(conn);
      return evio::Action::close;
    }
    if (answers.full() && !answers.write(conn)) return evio::Action::none;  // `data` comes again after `drained`
  }
  answers.write(conn);
  if (request && !session.deadline.active()) session.deadline = conn.run_after(patience, give_up);
  return evio::Action::none;
}

}  // namespace

int main(int argc, char** argv) {
  int port = 8080;
  std::string path;
  int loops = 1;
  std::string backend = "automatic";
  int patience = 30;
  const std::map<std::string, evio::Backend> backends{{"automatic", evio::Backend::automatic},
                                                      {"io_uring", evio::Backend::io_uring},
                                                      {"epoll", evio::Backend::epoll},
                                                      {"poll", evio::Backend::poll}};
  CLI::App app("HTTP/1.1 server");
  app.add_option("--port", port, "Port to listen on; 0: any free one")->check(CLI::Range(0, 65535));
  app.add_option("--unix", path, "Path of a unix socket to listen on as well");
  app.add_option("--loops", loops, "Number of event loops; -1: one for each hardware thread");
  app.add_option("--backend", backend, "Interface of the kernel to use")->check(CLI::IsMember(backends));
  app.add_option("--timeout", patience, "Seconds that a request, or silence, may last")->check(CLI::PositiveNumber);
  app.get_formatter()->column_width(24);
  CLI11_PARSE(app, argc, argv);

  const std::chrono::seconds timeout(patience);
  try {
    std::vector<evio::Binding> addresses{"tcp://:" + std::to_string(port)};
    if (!path.empty()) addresses.emplace_back("unix://" + path);
    evio::serve({.loops = loops,
                 .backend = backends.at(backend),
                 .options = {.idle_timeout = timeout},
                 .handle_signals = true,
                 .serving =
                     [](evio::Server& server) {
                       for (const evio::Address& address : server.addresses())
                         std::printf("http server on %s\n", address.to_string().c_str());
                       std::fflush(stdout);
                     },
                 .loop_started = [](evio::Loop& loop) { loop.emplace_context<Answers>(); },
                 .opened = [](evio::Conn& conn) { conn.emplace_context<Session>(); },
                 .data = [timeout](evio::Conn& conn, evio::Input& in) { return on_data(conn, in, timeout); }},
                addresses);
  } catch (const evio::Error& error) {
    std::fprintf(stderr, "http-server: %s\n", error.what());
    return 1;
  }
}
