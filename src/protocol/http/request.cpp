// The public Request: it passes each call on to the exchange.
#include <evio/http/request.hpp>
#include <utility>

#include "protocol/http/exchange.hpp"
#include "protocol/http/session.hpp"
#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

std::string_view Request::method() const noexcept { return exchange_.message.method; }
std::string_view Request::target() const noexcept { return exchange_.message.target; }
std::string_view Request::host() const noexcept { return exchange_.message.host; }
std::string_view Request::path() const noexcept { return exchange_.message.path; }
std::string_view Request::query() const noexcept { return exchange_.message.query; }
int Request::version() const noexcept { return exchange_.message.version; }
std::span<const Field> Request::fields() const noexcept { return exchange_.message.fields; }

std::string_view Request::field(std::string_view name) const noexcept {
  for (const Field& each : exchange_.message.fields)
    if (iequals(each.name, name)) return each.value;
  return {};
}

// An own search: field() cannot tell a field with an empty value from none.
bool Request::has_header(std::string_view name) const noexcept {
  for (const Field& each : exchange_.message.fields)
    if (iequals(each.name, name)) return true;
  return false;
}

bool Request::has_token(std::string_view name, std::string_view member) const noexcept {
  for (const Field& each : exchange_.message.fields)
    if (iequals(each.name, name) && http::has_token(each.value, member)) return true;
  return false;
}

std::string Request::param(std::string_view name) const {
  for (const Param& each : exchange_.message.params)
    // Decoded here and not when the route is found: most handlers need few of the parameters.
    if (each.name == name) return percent_decoded(each.value);
  return {};
}

std::string_view Request::body() const noexcept { return exchange_.whole_body; }
std::span<const Field> Request::trailers() const noexcept { return exchange_.trailers; }
void Request::receive(BodyHandler fn) { exchange_.receive(std::move(fn)); }
void Request::limit_body(std::uint64_t bytes) { exchange_.body_limit = bytes; }

void Request::pause() { exchange_.session->pause(); }
void Request::resume() { exchange_.session->resume(); }

bool Request::complete() const noexcept { return exchange_.complete; }
Conn& Request::conn() const noexcept { return exchange_.session->conn(); }
Context& Request::user_context() const noexcept { return exchange_.session->user_context(); }

}}}  // namespace evio::v0::http
