// The public Client, and the pool of connections behind it.
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
    refuse("https wants TLS, which this client does not have: http:// only");
  if (!begins_with(scheme)) refuse("a URL to call begins with http://");
  std::string_view rest = url.substr(scheme.size());
  rest = rest.substr(0, rest.find('#'));  // a fragment is not sent (RFC 9110, section 7.1)
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != authority.npos)
    refuse("a URL with a user name or password is not called: give them in an Authorization field");
  if (!is_authority(authority)) refuse("no host to call");
  std::string target(rest.substr(end));
  if (!target.starts_with('/')) target.insert(0, "/");
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == '\x7f'; };
  if (std::ranges::any_of(target, bad)) refuse("characters that no HTTP target may have");
  return {authority, std::move(target)};
}

// The authority with `sign` and what stands behind it in place of an IPv6 address's zone, "%25eth0"
// in URLs.
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

// As Host names it: a zone means something to this host alone.
std::string host_of(std::string_view authority) { return with_zone(authority, "", false); }

// The client writes it itself.
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
      throw std::invalid_argument("evio: a ClientRequest may have no HTTP field \"" +
                                  std::string(name).append(": ").append(value) + '"');
    request.append(name).append(": ").append(value).append("\r\n");
  }
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
  if (settings.connections_max == 0) refuse("connections is 0: no call could be made");
  if (settings.timeout < Duration::zero()) refuse("time is negative");
  if (settings.idle_timeout < Duration::zero()) refuse("idle_time is negative");
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
    throw std::invalid_argument("evio: \"" + call.method + "\" is no HTTP method to call with");
  const Url url = parsed(call.url);
  Host& to = host(address_of(url.authority));
  const auto pending = std::make_shared<PendingCall>();
  pending->pool = weak_from_this();
  pending->host = &to;
  pending->request = std::make_shared<const std::string>(request_of(call, url));
  call.body = {};
  pending->repeatable = may_be_repeated(call);
  pending->last = asks_to_close(call);
  pending->call = std::move(call);
  pending->done = std::move(done);
  pending->deadline = loop_.set_deadline(settings_.timeout, [weak = std::weak_ptr(pending)] {
    const auto late = weak.lock();
    if (!late) return;
    late->late = true;
    if (late->connection) return late->connection->conn().abort();  // and `closed` says so
    give_up(late);
    late->done({.error = std::make_error_code(std::errc::timed_out)});
  });
  to.waiting.push_back(pending);
  serve(to);
  return ClientCall(pending);
}

void ClientPool::end() {
  const auto hosts = std::exchange(
      hosts_, {});  // nobody finds them any more, not even what is destroyed with them
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

// Gives waiting calls to connections, and makes more of these where there may be more.
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
    connection->conn().set({.idle_timeout = Duration::zero()});
    connection->make(std::move(call));
  }
  if (!host.waiting.empty() && !host.idle.empty() &&
      host.connections >= settings_.connections_max) {
    host.idle.back()->conn().abort();  // makes room for a new one, which a repeated call asks for
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
  if (!pool || pool->hosts_.empty()) return;  // gone, or at its end
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
  events.options.read_when_congested = true;  // a server that does not read on may be saying why
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
      connection.call();  // stays also if one of its own handlers gives it up
  if (!call) {            // nobody asked
    in.take();
    connection.conn().close();
    return;
  }
  const ClientConnection::State state = connection.read(in, ended);
  if (state == ClientConnection::State::waits) return;
  if (state == ClientConnection::State::failed && connection.was_stale() && call->repeatable)
    return;
  const bool unfinished = connection.sends() && !ended;
  if (unfinished && state == ClientConnection::State::done && !connection.refuses())
    return;  // it may want the rest
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
  call->done(std::move(reply));
}

void ClientPool::closed(Host& host, ClientConnection* connection, std::error_code error) {
  --host.connections;
  if (!connection) {
    --host.connecting;
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
