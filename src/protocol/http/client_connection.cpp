// One connection of an HTTP client: sends the requests of its calls one after the other.
#include "protocol/http/client_connection.hpp"

#include <algorithm>
#include <utility>

#include "protocol/http/beast_parser.hpp"
#include "protocol/http/syntax.hpp"

namespace evio { inline namespace v0 { namespace http {

// Beast's parser, filling a ClientResponse. Trailers are read and discarded.
class ResponseParser final : public BeastParser<false> {
 public:
  explicit ResponseParser(ClientResponse& reply) : reply_(reply) {}

 private:
  void on_response_impl(int status, BeastText, int version, BeastError&) override {
    reply_.status = status;
    note_version(version);
  }
  void on_field_impl(beast::field field, BeastText name, BeastText value, BeastError&) override {
    if (is_header_done()) return;
    note_field(field, value);
    reply_.fields.emplace_back(std::string(view(name)), std::string(view(value)));
  }

  ClientResponse& reply_;
};

namespace {

// The header in the form that Beast accepts. A client must accept two more: folded lines, which are
// joined here (RFC 9112, section 5.2), and a status line that ends after the status, to which the
// missing blank is added (many servers omit it).
std::string tidied(std::string_view header) {
  constexpr std::size_t bare_status_line = std::string_view("HTTP/1.1 200").size();
  std::string tidy;
  tidy.reserve(header.size() + 1);
  for (int line = 0; !header.empty(); ++line) {
    const std::size_t end = header.find("\r\n");
    const std::string_view text = header.substr(0, end);
    header.remove_prefix(end + 2);
    if (line > 1 && (text.starts_with(' ') || text.starts_with('\t'))) {
      tidy.erase(tidy.find_last_not_of(" \t\r\n") + 1);
      tidy += ' ';
      tidy += trimmed(text);
    } else {
      tidy += text;
      if (line == 0 && text.size() == bare_status_line) tidy += ' ';
    }
    tidy += "\r\n";
  }
  return tidy;
}

}  // namespace

ClientConnection::ClientConnection(Conn& conn, const ClientSettings& settings)
    : conn_(conn), settings_(settings) {}
ClientConnection::~ClientConnection() = default;

void ClientConnection::make(std::shared_ptr<PendingCall> call) {
  call_ = std::move(call);
  call_->connection = this;
  if (call_->paused) conn_.pause();
  parser_ = std::make_unique<ResponseParser>(reply_);
  reply_ = {};
  heard_ = false;
  ++calls_;
  sent_ = 0;
  send_more();
}

void ClientConnection::send_more() {
  constexpr std::size_t piece_max = 16 << 10;
  // Small pieces and a bound at output_max: the connection would close if a large request were
  // written at once. The pieces share the request's memory.
  for (bool ready = true; ready && sends();) {
    const std::size_t most = settings_.limits.output_max,
                      room = most - std::min(most, conn_.pending_output());
    const std::string_view piece =
        std::string_view(*call_->request).substr(sent_, std::min(room, piece_max));
    if (piece.empty()) return await_room();
    sent_ += piece.size();
    ready = static_cast<bool>(conn_.write(SharedBytes(call_->request, piece)));
  }
}

// Waits until the output has left. `drained` alone is not enough: if Limits::output_max is not
// above output_high, the output never exceeds output_high, and `drained` is never called.
void ClientConnection::await_room() {
  conn_.handle().send(SharedBytes(), [this](std::error_code error) {
    if (!error) drained();
  });
}

void ClientConnection::drained() {
  send_more();
  // The response arrived before the request had left: `data` must run again to report it.
  if (is_replied() && !sends()) conn_.handle().wake();
}

std::shared_ptr<PendingCall> ClientConnection::take_call() noexcept {
  if (!call_) return nullptr;
  if (call_->paused) conn_.resume();
  call_->connection = nullptr;
  conn_.set_held(0);
  return std::move(call_);
}

bool ClientConnection::is_replied() const noexcept {
  return call_ && parser_->is_done() && reply_.status >= 200;
}

bool ClientConnection::keeps_alive() const noexcept {
  return parser_ && parser_->is_done() && parser_->persists() && !(call_ && call_->last);
}

ClientConnection::State ClientConnection::read(Input& in, bool ended) {
  if (!in.empty()) heard_ = true;
  while (!parser_->is_header_done()) {
    const std::size_t end = in.view().substr(0, settings_.header_max).find("\r\n\r\n");
    if (end == std::string_view::npos) {
      if (in.size() >= settings_.header_max) return fail(std::errc::message_size);
      return ended ? fail(std::errc::connection_reset) : State::waits;
    }
    if (!read_header(in)) return fail(std::errc::bad_message);
  }
  const State state = call_ ? read_body(in) : State::waits;
  if (state != State::waits || !ended) return state;
  BeastError error;
  parser_->put_eof(
      error);  // an end of the connection may be the body's end (RFC 9112, section 6.3)
  return error ? fail(std::errc::connection_reset) : State::done;
}

// Reads one header. Interim responses (100 to 199, RFC 9110, section 15.2) are skipped.
bool ClientConnection::read_header(Input& in) {
  const std::string header = tidied(in.take(in.view().find("\r\n\r\n") + 4));
  if (has_bad_line(header)) return false;
  if (call_->call.method == "HEAD")
    parser_->skip(true);  // its fields announce a body, none follows
  BeastError error;
  parser_->put(beast_buffer(header), error);
  if (error) return false;
  if (reply_.status < 200) {
    // Not a status, or an upgrade that was not requested: the bytes after it are not HTTP.
    if (reply_.status < 100 || reply_.status == 101) return false;
    reply_ = {};
    parser_ = std::make_unique<ResponseParser>(reply_);
  } else if (call_->call.begun) {
    call_->call.begun(reply_);
  }
  return true;
}

ClientConnection::State ClientConnection::read_body(Input& in) {
  for (;;) {
    if (call_->paused && !parser_->is_done()) return State::waits;
    std::size_t used = 0;
    const BodyState state = parser_->read_body(in.view(), settings_.header_max, used);
    in.consume(used);
    if (!store_input(parser_->piece)) return fail(std::errc::message_size);
    // ClientRequest::receive may have cancelled the call.
    if (state == BodyState::partial || !call_) return State::waits;
    if (state == BodyState::end) return State::done;
    if (state != BodyState::piece) return fail(std::errc::bad_message);
  }
}

bool ClientConnection::store_input(std::string_view piece) {
  if (piece.empty()) return true;
  if (call_->call.receive) {
    call_->call.receive(piece);
    return true;
  }
  reply_.body += piece;
  conn_.set_held(reply_.body.capacity());
  return reply_.body.size() <= settings_.body_max;
}

ClientConnection::State ClientConnection::fail(std::errc why) {
  reply_.error = std::make_error_code(why);
  return State::failed;
}

}}}  // namespace evio::v0::http
