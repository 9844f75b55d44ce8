#include "http.hpp"

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <evio/conn.hpp>
#include <evio/input.hpp>
#include <utility>

namespace evio { inline namespace v0 { namespace detail {

namespace {

namespace beast = boost::beast::http;

constexpr std::size_t head_max = 8 << 10;

using LookUp = Callback<HttpContent(Server&, std::string_view path)>;

// The context of a connection whose server drains: its next response is the last.
struct Draining {};

struct Answer {
  int status = 200;
  bool keep_alive = false;  // false after an error: the next request cannot be found reliably
  bool with_body = true;
  HttpContent content{};
};

Answer refusal(int status, std::string_view why) {
  return {.status = status,
          .content = {.type = "text/plain; charset=utf-8", .body = std::string(why) + "\n"}};
}

std::string head_of(const Answer& answer) {
  const auto reason =
      beast::obsolete_reason(beast::int_to_status(static_cast<unsigned>(answer.status)));
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + ' ';
  head.append(reason.data(), reason.size())
      .append("\r\nContent-Type: ")
      .append(answer.content.type);
  head += "\r\nContent-Length: " + std::to_string(answer.content.body.size());
  head += "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  if (answer.status == 405) head += "Allow: GET, HEAD\r\n";
  if (!answer.keep_alive) head += "Connection: close\r\n";
  return head += "\r\n";
}

// The path of a request target, which may be a whole URL (RFC 9112 section 3.2.2).
std::string_view path_of(std::string_view target) {
  const std::string_view scheme = target.substr(0, 7);
  if (boost::beast::iequals({scheme.data(), scheme.size()}, "http://")) {
    target.remove_prefix(std::min(target.find_first_of("/?", 7), target.size()));
    if (!target.starts_with('/')) return "/";
  }
  return target.substr(0, target.find('?'));
}

// Parses one request. A new object is made for each attempt to parse: until the head is complete,
// the parser keeps no state, and the bytes stay in the input.
class Request {
 public:
  enum class State { partial, complete, too_long, bad };

  // Consumes the head of a request from `in` if it is complete.
  State read(Input& in) {
    while (in.view().starts_with("\r\n")) in.consume(2);  // RFC 9112 section 2.2
    const std::string_view bytes = in.view();
    if (bytes.empty() || bytes == "\r")
      return State::partial;  // the rest of an empty line may follow
    boost::beast::error_code error;
    const std::size_t size = parse(parser_, bytes, error);
    if (!error) in.consume(size);
    if (!error) return State::complete;
    if (error == beast::error::header_limit) return State::too_long;
    return error == beast::error::need_more && !begins_badly(bytes) ? State::partial : State::bad;
  }

  Answer answer(Server& server, const LookUp& look_up) const {
    const auto& head = parser_.get();
    if (head.count(beast::field::host) > 1 ||
        (head.version() == 11 && head.count(beast::field::host) == 0))
      return refusal(400, "A request needs exactly one Host header.");
    Answer answer = look_up_for(server, look_up);
    // A body is not read, so the connection ends after the response.
    answer.keep_alive =
        keeps_alive() && !parser_.chunked() && parser_.content_length().value_or(0) == 0;
    answer.with_body = head.method() != beast::verb::head;
    return answer;
  }

 private:
  using Parser = beast::request_parser<beast::empty_body>;

  static std::size_t parse(Parser& parser, std::string_view bytes,
                           boost::beast::error_code& error) {
    parser.header_limit(head_max);
    parser.skip(true);  // bodies are refused
    return parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  }

  Answer look_up_for(Server& server, const LookUp& look_up) const {
    const auto& head = parser_.get();
    if (head.method() != beast::verb::get && head.method() != beast::verb::head)
      return refusal(405, "Only GET and HEAD are supported.");
    HttpContent found = look_up(server, path_of({head.target().data(), head.target().size()}));
    if (found.type.empty()) return refusal(404, "Not found. See /, /metrics or /stats.json.");
    return {.content = std::move(found)};
  }

  // "close" overrides "keep-alive" in every version.
  bool keeps_alive() const {
    const auto& head = parser_.get();
    const auto [begin, end] = head.equal_range(beast::field::connection);
    const auto lists = [&, from = begin, to = end](const char* option) {
      return std::any_of(from, to, [&](const auto& field) {
        return beast::token_list(field.value()).exists(option);
      });
    };
    return !lists("close") && (head.version() > 10 || lists("keep-alive"));
  }

  // The parser handles complete heads only. This detects a peer with another protocol early: it may
  // never send anything that ends a head.
  static bool begins_badly(std::string_view head) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const auto is_control = [](char c) { return (c >= 0 && c < ' ' && c != '\r') || c == 0x7f; };
    const bool text = line.empty() || (line[0] > ' ' && line[0] < 0x7f);
    if (!text || std::any_of(line.begin(), line.end(), is_control)) return true;
    if (end == head.npos) return false;
    Parser parser;
    boost::beast::error_code error;
    parse(parser, std::string(line) + "\r\n\r\n", error);
    return static_cast<bool>(error);
  }

  Parser parser_;
};

// False if no further request must be answered now.
bool send(Conn& c, const Answer& answer) {
  const WriteResult result =
      c.write({head_of(answer), answer.with_body ? answer.content.body : std::string_view()});
  if (!answer.keep_alive) c.close();
  return result && answer.keep_alive;
}

Answer last_if_draining(Conn& c, const Input& in, Answer answer) {
  if (c.context<Draining>() && in.empty()) answer.keep_alive = false;
  return answer;
}

// Answers the first request in `in`. True if the next one may follow.
bool serve_one(Conn& c, Input& in, const LookUp& look_up) {
  Request request;
  switch (request.read(in)) {
    case Request::State::partial:
      return false;
    case Request::State::complete:
      return send(c, last_if_draining(c, in, request.answer(c.server(), look_up)));
    case Request::State::too_long:
      return send(c, refusal(431, "The head of a request has at most 8 KiB."));
    case Request::State::bad:
      break;
  }
  return send(c, refusal(400, "This is not an HTTP request."));
}

}  // namespace

Events http_service(LookUp look_up) {
  return {.limits = {.connections_max = 256},
          .options = {.idle_timeout = std::chrono::seconds(60)},
          .data =
              [look_up = std::move(look_up)](Conn& c, Input& in) {
                while (!in.empty() && serve_one(c, in, look_up)) {
                }
              },
          .draining =
              [](Conn& c) {
                c.emplace_context<Draining>();
                c.set_deadline(Duration::zero(),
                               [](Conn& idle) {  // runs after requests that have arrived already
                                 if (idle.pending_input() == 0) idle.close();
                               });
              }};
}

}}}  // namespace evio::v0::detail
