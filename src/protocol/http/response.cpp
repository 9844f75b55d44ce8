// The public Response and ResponseHandle: they pass each call on to the exchange.
#include <evio/http/response.hpp>
#include <stdexcept>
#include <utility>

#include "protocol/http/exchange.hpp"
#include "protocol/http/session.hpp"
#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

// The function gets the token too: as long as the post waits, the answer counts as expected, and no
// 500 is sent.
bool ResponseHandle::post(Callback<void(Response&)> fn) const {
  if (!token_) return false;
  return token_->conn.post([token = token_, fn = std::move(fn)](Conn& conn) {
    auto* session = conn.context<Session>();
    // If the exchange is over, the token's destructor need not report it as abandoned.
    if (session && !session->answer(token->number, fn)) token->number = 0;
  });
}

Response& Response::status(int code) {
  exchange_.check_unbegun();
  if (code < 200 || code > 599)
    throw std::invalid_argument("evio: the status of an HTTP answer is 200 to 599");
  exchange_.status = code;
  return *this;
}

Response& Response::add(std::string_view name, std::string_view value) {
  exchange_.check_unbegun();
  if (iequals(name, "content-type")) return type(value);  // one field, and it decides on gzip
  exchange_.add_field(exchange_.fields, name, value);
  return *this;
}

Response& Response::type(std::string_view content_type) {
  exchange_.set_type(content_type);
  return *this;
}

void Response::send(std::string_view content_type, std::string_view body) {
  exchange_.send(content_type, body);
}
void Response::send(std::string_view content_type, SharedBytes body) {
  exchange_.send(content_type, std::move(body));
}
void Response::send(int status) { exchange_.send(status); }

Response& Response::length(std::uint64_t bytes) {
  exchange_.check_unbegun();
  exchange_.length = bytes;
  exchange_.has_length = true;
  return *this;
}

WriteResult Response::write(std::string_view piece) { return exchange_.write(piece); }
WriteResult Response::write(SharedBytes piece) { return exchange_.write(std::move(piece)); }

Response& Response::trailer(std::string_view name, std::string_view value) {
  exchange_.add_field(exchange_.answer_trailers, name, value);
  return *this;
}

void Response::end() { exchange_.end(); }
void Response::produce(Callback<void(Response&)> fn) { exchange_.producer = std::move(fn); }
ResponseHandle Response::handle() { return exchange_.handle(); }

void Response::upgrade(std::string_view protocol, std::unique_ptr<Upgraded> next) {
  exchange_.upgrade(protocol, std::move(next));
}

bool Response::begun() const noexcept { return exchange_.head_sent; }
bool Response::ended() const noexcept { return exchange_.ended; }
Request& Response::request() noexcept { return exchange_.request; }

}}}  // namespace evio::v0::http
