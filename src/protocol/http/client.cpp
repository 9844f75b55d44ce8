// The public Client, and its pool of connections.
#include <algorithm>
#include <array>
#include <evio/address.hpp>
#include <evio/binding.hpp>
#include <evio/error.hpp>
#include <evio/http/client.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "protocol/http/client_pool.hpp"
#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

namespace {

struct Url {
  std::string_view authority;
  std::string target;
};

Url parsed(std::string_view url) {
  const auto refuse = [&](std::string_view why) {
    throw Error(std::make_error_code(std::errc::invalid_argument), url, why);
  };
  const auto begins_with = [&](std::string_view scheme) {
    return iequals(url.substr(0, scheme.size()), scheme);
  };
  constexpr std::string_view scheme = "http://";
  if (begins_with("https://"))
    refuse("https needs TLS, which this client does not have: http:// only");
  if (!begins_with(scheme)) refuse("the URL does not begin with http://");
  std::string_view rest = url.substr(scheme.size());
  rest = rest.substr(0, rest.find('#'));  // a fragment is not sent (RFC 9110, section 7.1)
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != authority.npos)
    refuse("user name and password belong in an Authorization field, not in the URL");
  if (!is_authority(authority)) refuse("no valid host in the URL");
  std::string target(rest.substr(end));
  if (!target.starts_with('/')) target.insert(0, "/");
  // A blank or a line's end in the target would be read as the end of the request line, and what
  // follows as fields that the caller did not intend.
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == '\x7f'; };
  if (std::ranges::any_of(target, bad))
    refuse("the URL has characters that an HTTP target must not have");
  return {authority, std::move(target)};
}

// The authority with the "%25" of an IPv6 address's zone ("%25eth0" in a URL, RFC 6874) replaced by
// `sign`. The zone itself stays if `kept`.
std::string with_zone(std::string_view authority, std::string_view sign, bool kept) {
  std::string text(authority);
  const std::size_t at = text.find("%25"), end = text.find(']');
  if (!text.starts_with('[') || at > end) return text;
  return text.replace(at, kept ? 3 : end - at, sign);
}

std::string address_of(std::string_view authority) {
  std::string text = with_zone(authority, "%", true);
  const std::size_t host_end = text.starts_with('[') ? text.find(']') : 0;
  if (text.ends_with(':')) text.pop_back();
  if (text.find(':', host_end) == text.npos) text += ":80";
  return Address::parse("tcp://" + text).to_string();
}

// The authority for the Host field, without a zone: that has a meaning on this machine only.
std::string host_of(std::string_view authority) { return with_zone(authority, "", false); }

// A second Host or Content-Length would let proxies and servers read the request in different ways.
bool is_own_field(std::string_view name) {
  constexpr std::array<std::string_view, 3> own_fields{"host", "content-length",
                                                       "transfer-encoding"};
  return std::ranges::any_of(own_fields, [&](std::string_view own) { return iequals(own, name); });
}

std::string request_of(const ClientRequest& call, const Url& url) {
  std::string request = call.method;
  request.append(" ")
      .append(url.target)
      .append(" HTTP/1.1\r\nHost: ")
      .append(host_of(url.authority))
      .append("\r\n");
  for (const auto& [name, value] : call.fields) {
    if (is_own_field(name) || !is_token(name) || !is_field_value(value))
      throw std::invalid_argument("evio: a ClientRequest must not have the HTTP field \"" +
                                  std::string(name).append(": ").append(value) + '"');
    request.append(name).append(": ").append(value).append("\r\n");
  }
  // A POST or PUT without a body says so (RFC 9110, section 8.6): some servers answer 411
  // otherwise.
  const bool has_body = !call.body.empty() || call.method == "POST" || call.method == "PUT";
  if (has_body)
    request.append("Content-Length: ").append(std::to_string(call.body.size())).append("\r\n");
  return request.append("\r\n").append(call.body);
}

bool asks_to_close(const ClientRequest& call) {
  return std::ranges::any_of(call.fields, [](const auto& field) {
    return iequals(field.first, "Connection") && has_token(field.second, "close");
  });
}

// The idempotent methods (RFC 9110, section 9.2.2).
bool may_be_repeated(const ClientRequest& call) {
  constexpr std::array<std::string_view, 6> methods{"GET",    "HEAD",    "PUT",
                                                    "DELETE", "OPTIONS", "TRACE"};
  return std::ranges::find(methods, call.method) != methods.end();
}

void forget(std::vector<ClientConnection*>& connections, ClientConnection* which) {
  std::erase(connections, which);
}

}  // namespace

std::string_view ClientResponse::field(std::string_view name) const noexcept {
  for (const auto& [each, value] : fields)
    if (iequals(each, name)) return value;
  return {};
}

namespace {

const ClientSettings& checked(const ClientSettings& settings) {
  const auto refuse = [](const char* problem) {
    throw std::invalid_argument(std::string("evio: http::ClientSettings::") + problem);
  };
  if (settings.connections_max == 0) refuse("connections_max is 0: no call could be made");
  if (settings.timeout < Duration::zero()) refuse("timeout is negative");
  if (settings.idle_timeout < Duration::zero()) refuse("idle_timeout is negative");
  return settings;
}

}  // namespace

Client::Client(Loop& loop, ClientSettings settings)
    : pool_(std::make_shared<ClientPool>(loop, checked(settings))) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&& other) noexcept {
  std::swap(pool_, other.pool_);
  return *this;
}
Client::~Client() {
  if (pool_) pool_->end();
}

ClientCall Client::call(ClientRequest call, Callback<void(ClientResponse)> done) {
  return pool_->call(std::move(call), std::move(done));
}
ClientCall Client::get(std::string_view url, Callback<void(ClientResponse)> done) {
  return call({.url = std::string(url)}, std::move(done));
}

void ClientCall::pause() const {
  const auto call = call_.lock();
  if (!call) return;
  call->paused = true;
  if (call->connection) call->connection->conn().pause();
}

void ClientCall::resume() const {
  const auto call = call_.lock();
  if (!call) return;
  call->paused = false;
  if (call->connection) call->connection->conn().resume();
}

void ClientCall::cancel() const {
  if (const auto call = call_.lock()) ClientPool::give_up(call);
}

ClientCall ClientPool::call(ClientRequest call, Callback<void(ClientResponse)> done) {
  if (!is_token(call.method) || call.method == "CONNECT")
    throw std::invalid_argument("evio: \"" + call.method +
                                "\" is not a valid method of a ClientRequest");
  const Url url = parsed(call.url);
  Host& to = host(address_of(url.authority));
  const auto pending = std::make_shared<PendingCall>();
  pending->pool = weak_from_this();
  pending->host = &to;
  pending->request = std::make_shared<const std::string>(request_of(call, url));
  call.body = {};  // request_of has copied it
  pending->repeatable = may_be_repeated(call);
  pending->last = asks_to_close(call);
  pending->call = std::move(call);
  pending->done = std::move(done);
  pending->deadline = loop_.set_deadline(settings_.timeout, [weak = std::weak_ptr(pending)] {
    const auto late = weak.lock();
    if (!late) return;
    late->late = true;
    if (late->connection) return late->connection->conn().abort();  // `closed` reports timed_out
    give_up(late);
    late->done({.error = std::make_error_code(std::errc::timed_out)});
  });
  to.waiting.push_back(pending);
  serve(to);
  return ClientCall(pending);
}

void ClientPool::end() {
  // Emptied first: the destructor of a caller's callback may use the client and must not find hosts
  // that are being destroyed.
  const auto hosts = std::exchange(hosts_, {});
  for (const auto& [address, each] : hosts) {
    for (const auto& call : each.waiting) call->deadline.cancel();
    for (const auto* connections : {&each.idle, &each.busy})
      for (ClientConnection* connection : *connections) {
        if (const auto call = connection->take_call()) call->deadline.cancel();
        connection->conn().close();
      }
  }
}

Host& ClientPool::host(const std::string& address) {
  const auto found = hosts_.find(address);
  if (found != hosts_.end()) return found->second;
  return hosts_.emplace(address, Host{.binding = on(address, handlers(address))}).first->second;
}

// Assigns waiting calls to idle connections, and opens more connections if calls remain. The idle
// connection that was used last comes first, because it is the least likely to have been closed. A
// repeated call only gets a new connection: on a reused one it could fail in the same way again.
void ClientPool::serve(Host& host) {
  for (auto next = host.waiting.begin(); next != host.waiting.end() && !host.idle.empty();) {
    const auto fits = [&](const ClientConnection* each) {
      return each->is_new() || !(*next)->repeated;
    };
    const auto found = std::find_if(host.idle.rbegin(), host.idle.rend(), fits);
    if (found == host.idle.rend()) {
      ++next;
      continue;
    }
    ClientConnection* connection = *found;
    forget(host.idle, connection);
    host.busy.push_back(connection);
    std::shared_ptr<PendingCall> call = std::move(*next);
    next = host.waiting.erase(next);
    connection->conn().set({.idle_timeout = Duration::zero()});  // the call has its own deadline
    connection->make(std::move(call));
  }
  if (!host.waiting.empty() && !host.idle.empty() &&
      host.connections >= settings_.connections_max) {
    host.idle.back()->conn().abort();  // makes room for the new one that a repeated call needs
    host.idle.pop_back();
  }
  while (host.connecting < host.waiting.size() && host.connections < settings_.connections_max) {
    if (!loop_.connect(host.binding)) return;  // shutting down: the calls expire with the loop
    ++host.connections;
    ++host.connecting;
  }
}

void ClientPool::give_up(const std::shared_ptr<PendingCall>& call) {
  const auto pool = call->pool.lock();
  if (!pool || pool->hosts_.empty()) return;  // the pool is gone or has ended
  call->deadline.cancel();
  std::erase(call->host->waiting, call);
  if (ClientConnection* connection = call->connection) {
    connection->take_call();
    connection->conn().abort();
  }
}

Events ClientPool::handlers(const std::string& address) {
  Events events;
  events.limits = settings_.limits;
  // A server that stops reading a request may have sent the answer that says why.
  events.options.read_when_congested = true;
  const auto find = [weak = weak_from_this(), address] {
    auto pool = weak.lock();
    Host* host = pool ? &pool->hosts_.at(address) : nullptr;
    return std::pair(std::move(pool), host);
  };
  events.opened = [find](Conn& conn) {
    const auto [pool, host] = find();
    if (!pool) return Action::close;
    pool->opened(*host, conn);
    return Action::none;
  };
  const auto read = [find](Conn& conn, Input& in, bool ended) {
    const auto [pool, host] = find();
    if (pool) pool->read(*host, *conn.context<ClientConnection>(), in, ended);
    return pool && !ended ? Action::none : Action::close;
  };
  events.data = [read](Conn& conn, Input& in) { return read(conn, in, false); };
  events.ended = [read](Conn& conn, Input& in) { return read(conn, in, true); };
  events.drained = [](Conn& conn) { conn.context<ClientConnection>()->drained(); };
  events.closed = [find](Conn& conn, std::error_code error) {
    const auto [pool, host] = find();
    if (pool) pool->closed(*host, conn.context<ClientConnection>(), error);
  };
  return events;
}

void ClientPool::opened(Host& host, Conn& conn) {
  --host.connecting;
  host.idle.push_back(&conn.emplace_context<ClientConnection>(conn, settings_));
  conn.set({.idle_timeout = settings_.idle_timeout});
  serve(host);
}

void ClientPool::read(Host& host, ClientConnection& connection, Input& in, bool ended) {
  const std::shared_ptr<PendingCall> call =
      connection.call();  // a copy: one of the call's own callbacks may cancel it
  if (!call) {            // no request was sent that these bytes could answer
    in.take();
    connection.conn().close();
    return;
  }
  const ClientConnection::State state = connection.read(in, ended);
  if (state == ClientConnection::State::waits) return;
  // The server had closed the reused connection: `closed` follows and repeats the call.
  if (state == ClientConnection::State::failed && connection.was_stale() && call->repeatable)
    return;
  const bool unfinished = connection.sends() && !ended;
  if (unfinished && state == ClientConnection::State::done && !connection.refuses())
    return;  // an early answer that accepts the request: the server may still need the rest
  const bool kept =
      state == ClientConnection::State::done && connection.keeps_alive() && in.empty() && !ended;
  connection.take_call();
  call->deadline.cancel();
  forget(host.busy, &connection);
  if (unfinished) {
    connection.conn().abort();
  } else if (kept) {
    connection.conn().set({.idle_timeout = settings_.idle_timeout});
    host.idle.push_back(&connection);
  } else {
    connection.conn().close();
  }
  ClientResponse reply = connection.take_reply();
  serve(host);
  call->done(std::move(reply));  // last: it may destroy the client, and with it `host`
}

void ClientPool::closed(Host& host, ClientConnection* connection, std::error_code error) {
  --host.connections;
  if (!connection) {
    --host.connecting;  // it was never connected
    return fail_first(host, error ? error : std::make_error_code(std::errc::connection_refused));
  }
  forget(host.idle, connection);
  forget(host.busy, connection);
  const bool replied = connection->is_replied();
  std::shared_ptr<PendingCall> call = connection->take_call();
  if (call && call->late) error = std::make_error_code(std::errc::timed_out);
  if (call && !call->late && connection->was_stale() && std::exchange(call->repeatable, false)) {
    call->repeated = true;
    host.waiting.push_front(std::exchange(call, nullptr));
  }
  serve(host);
  if (!call) return;
  call->deadline.cancel();
  if (replied) return call->done(connection->take_reply());
  call->done({.error = error ? error : std::make_error_code(std::errc::connection_reset)});
}

// One failed connect fails one call, so that each waiting call costs the host one attempt at most.
void ClientPool::fail_first(Host& host, std::error_code error) {
  std::shared_ptr<PendingCall> call;
  if (!host.waiting.empty()) {
    call = std::move(host.waiting.front());
    host.waiting.pop_front();
  }
  serve(host);
  if (!call) return;
  call->deadline.cancel();
  call->done({.error = error});
}

}}}  // namespace evio::v0::http
