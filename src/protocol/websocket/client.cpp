// Opens outgoing WebSockets: the client's half of the handshake (RFC 6455, section 4.1).
#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <evio/address.hpp>
#include <evio/binding.hpp>
#include <evio/error.hpp>
#include <evio/loop.hpp>
#include <evio/websocket/client.hpp>
#include <memory>
#include <string>
#include <utility>

#include "protocol/websocket/beast_text.hpp"
#include "protocol/websocket/extension.hpp"
#include "protocol/websocket/handshake.hpp"
#include "protocol/websocket/session.hpp"

namespace evio { inline namespace v0 { namespace websocket {

namespace http_parser = boost::beast::http;

namespace {

constexpr std::size_t answer_at_most = 8 << 10;  // bytes of the answer's header

struct Url {
  std::string authority;
  std::string target;
};

Url parsed(std::string_view url) {
  constexpr std::string_view scheme = "ws://";
  const auto refuse = [&](std::string_view why) {
    throw Error(std::make_error_code(std::errc::invalid_argument), url, why);
  };
  if (url.starts_with("wss://"))
    refuse("wss needs TLS, which this client does not have: ws:// only, or a proxy with TLS");
  if (!url.starts_with(scheme)) refuse("the URL does not begin with ws://");
  const std::string_view rest = url.substr(scheme.size());
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string target(rest.substr(end));
  if (!target.starts_with('/')) target.insert(0, "/");
  // Line ends in the URL would add fields to the request. A URL of a WebSocket has no fragment (RFC
  // 6455, section 3).
  const auto bad = [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == '\x7f' || c == '#';
  };
  if (std::ranges::any_of(rest, bad)) refuse("the URL has characters that it must not have");
  if (end == 0 || rest.substr(0, end).find('@') != rest.npos) refuse("no valid host in the URL");
  return {std::string(rest.substr(0, end)), std::move(target)};
}

Address address_of(const std::string& authority) {
  const std::size_t host_end = authority.starts_with('[') ? authority.find(']') : 0;
  const bool has_port = authority.find(':', std::min(host_end, authority.size())) != authority.npos;
  return Address::parse("tcp://" + authority + (has_port ? "" : ":80"));
}

std::string request_of(const Url& url, std::string_view key, const Settings& settings) {
  std::string request =
      "GET " + url.target + " HTTP/1.1\r\nHost: " + url.authority +
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    request.append(name).append(": ").append(value).append("\r\n");
  };
  add("Sec-WebSocket-Key", key);
  if (settings.deflate) add("Sec-WebSocket-Extensions", offer_of(*settings.deflate));
  std::string protocols;
  for (const std::string& each : settings.protocols)
    protocols.append(protocols.empty() ? "" : ", ").append(each);
  if (!protocols.empty()) add("Sec-WebSocket-Protocol", protocols);
  for (const auto& [name, value] : settings.fields) add(name, value);
  return request + "\r\n";
}

/// The state of a client's connection, stored as the connection's context: the handshake, then the
/// session. It exists before the connection is made, because connect() returns its WebSocket.
class ClientSide {
 public:
  ClientSide(Conn& conn, std::shared_ptr<Service> service, const Url& url)
      : session(conn, Side::client, std::move(service)),
        key_(new_key()),
        request_(request_of(url, key_, session.service().settings)) {}

  void connected() {
    session.conn().write(std::exchange(request_, {}));
    // fail_handshake closes in order, which a server that does not answer would delay: abort.
    deadline_ = session.conn().set_deadline(session.service().settings.handshake_timeout,
                                            [this](Conn& conn) {
                                              if (!done_)
                                                session.fail_handshake("no answer in time");
                                              conn.abort();
                                            });
  }

  void data(Input& in) {
    if (!done_ && !read_answer(in)) return;
    if (session.conn().is_open() && !in.empty()) session.data(in);
  }

  void ended() {
    if (!done_) session.fail_handshake("the server ended the connection without an answer");
  }

  Session session;

 private:
  // Reads the answer to the handshake. False: more bytes are needed, or it failed. Bytes after the
  // answer are frames and stay in the input.
  bool read_answer(Input& in) {
    for (;;) {
      const std::size_t end = in.view().substr(0, answer_at_most).find("\r\n\r\n");
      if (end == std::string_view::npos) {
        if (in.size() >= answer_at_most) session.fail_handshake("the answer's header is too long");
        return false;
      }
      const std::string_view header = in.take(end + 4);
      http_parser::response_parser<http_parser::empty_body> parser;
      boost::beast::error_code error;
      parser.put(boost::asio::const_buffer(header.data(), header.size()), error);
      const bool is_http = !error && parser.is_header_done();
      if (is_http && is_interim(parser.get().result_int())) continue;
      const std::string wrong =
          is_http ? validate_response(parser.get()) : "the answer is not HTTP";
      if (!wrong.empty()) {
        session.fail_handshake(wrong);
        return false;
      }
      done_ = true;
      deadline_.cancel();
      session.opened();
      return true;
    }
  }

  // Whether another answer follows (RFC 9110, section 15.2).
  static bool is_interim(unsigned status) { return status >= 100 && status < 200 && status != 101; }

  // Says what is wrong with the answer; empty if the handshake succeeded. The checks are those of
  // RFC 6455, section 4.1. Sec-WebSocket-Accept shows that the server understood the request:
  // without it any HTTP server's answer could be taken for a WebSocket.
  std::string validate_response(const http_parser::response_header<>& answer) {
    using Field = http_parser::field;
    const Settings& settings = session.service().settings;
    const auto lists = [&](Field field, const char* member) {
      const auto [begin, end] = answer.equal_range(field);
      return std::any_of(begin, end, [&](const auto& each) {
        return http_parser::token_list(each.value()).exists(member);
      });
    };
    const auto count = [&](Field field) {
      return std::distance(answer.equal_range(field).first, answer.equal_range(field).second);
    };
    if (answer.result_int() != 101)
      return "the server answered " + std::to_string(answer.result_int());
    const bool changes = lists(Field::upgrade, "websocket") && lists(Field::connection, "upgrade");
    if (!changes || answer.version() < 11) return "the server answered 101, but not for WebSocket";
    if (count(Field::sec_websocket_accept) != 1 ||
        answer[Field::sec_websocket_accept] != accept_of(key_))
      return "Sec-WebSocket-Accept is wrong";
    std::optional<DeflateAgreement> deflate;
    if (count(Field::sec_websocket_extensions) > 0) {
      if (settings.deflate && count(Field::sec_websocket_extensions) == 1)
        deflate = agreement_of(view(answer[Field::sec_websocket_extensions]), *settings.deflate);
      if (!deflate) return "the server chose an extension that was not offered";
    }
    std::string protocol(answer[Field::sec_websocket_protocol]);
    const bool offered =
        std::ranges::find(settings.protocols, protocol) != settings.protocols.end();
    if (count(Field::sec_websocket_protocol) > 0 && !offered)
      return "the server chose a protocol that was not offered";
    session.set_negotiated(deflate, std::move(protocol));
    return {};
  }

  const std::string key_;
  std::string request_;
  Timer deadline_;
  bool done_ = false;
};

ClientSide& side_of(Conn& conn) { return *conn.context<ClientSide>(); }

Events events_of(Limits limits, Options options) {
  Events events;
  events.limits = limits;
  events.options = options;
  events.opened = [](Conn& conn) { side_of(conn).connected(); };
  events.data = [](Conn& conn, Input& in) { side_of(conn).data(in); };
  events.drained = [](Conn& conn) { side_of(conn).session.drained(); };
  events.ended = [](Conn& conn, Input&) {
    side_of(conn).ended();
    return Action::close;
  };
  events.draining = [](Conn& conn) { side_of(conn).session.draining(); };
  events.closed = [](Conn& conn, std::error_code error) { side_of(conn).session.closed(error); };
  return events;
}

}  // namespace

WebSocket* connect(Loop& loop, std::string_view url, Handlers handlers, Settings settings,
                   Limits limits, Options options) {
  check(settings);
  const Url parts = parsed(url);
  auto service = std::make_shared<Service>(Service{std::move(handlers), std::move(settings)});
  Conn* conn =
      loop.connect(on(address_of(parts.authority).to_string(), events_of(limits, options)));
  if (!conn) return nullptr;
  return &conn->emplace_context<ClientSide>(*conn, std::move(service), parts).session.socket();
}

}}}  // namespace evio::v0::websocket
