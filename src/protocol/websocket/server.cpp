// Accepts WebSockets in an HTTP server: the server's half of the handshake (RFC 6455, section 4.2).
#include <algorithm>
#include <evio/http/response.hpp>
#include <evio/http/server.hpp>
#include <evio/http/upgrade.hpp>
#include <evio/websocket/server.hpp>
#include <memory>
#include <string>
#include <utility>

#include "protocol/websocket/beast_text.hpp"
#include "protocol/websocket/extension.hpp"
#include "protocol/websocket/extension_list.hpp"
#include "protocol/websocket/handshake.hpp"
#include "protocol/websocket/session.hpp"

namespace evio { inline namespace v0 { namespace websocket {

namespace {

// Connects the session of a WebSocket to the events of its upgraded connection.
class ServerSide final : public http::Upgraded {
 public:
  ServerSide(Conn& conn, std::shared_ptr<Service> service)
      : session(conn, Side::server, std::move(service)) {}

  Action opened(Conn&) override {
    session.opened();
    return Action::none;
  }
  Action data(Conn&, Input& in) override {
    session.data(in);
    return Action::none;
  }
  Action drained(Conn&) override {
    session.drained();
    return Action::none;
  }
  Action draining(Conn&) override {
    session.draining();
    return Action::none;
  }
  void closed(Conn&, std::error_code error) override { session.closed(error); }

  Session session;
};

// The values of all fields with this name, which are one list (RFC 9110, section 5.3).
std::string list_of(const http::Request& request, std::string_view name) {
  std::string list;
  for (const auto& field : request.fields())
    if (iequals(field.name, name)) list.append(list.empty() ? "" : ", ").append(field.value);
  return list;
}

// The subprotocol: the first of the client's list that is known here. The list has the form of the
// extensions' list, without parameters.
std::string protocol_of(const http::Request& request, const Settings& settings) {
  const std::string offered = list_of(request, "Sec-WebSocket-Protocol");
  for (const Extension& offer : extensions_of(offered))
    for (const std::string& known : settings.protocols)
      if (known == offer.name && offer.parameters.empty()) return known;
  return {};
}

bool is_origin_allowed(const http::Request& request, const Settings& settings) {
  // Several Origin fields become one list, which matches no allowed origin.
  const std::string origin = list_of(request, "Origin");
  return settings.origins.empty() || !request.has_header("Origin") ||
         std::ranges::any_of(settings.origins,
                             [&](const std::string& each) { return iequals(each, origin); });
}

// The status with which a request is refused, or 0 if it is a valid handshake (RFC 6455, section
// 4.2.1). A request that does not ask for a WebSocket gets 426, which tells what to ask for.
int refusal_of(const http::Request& request, const Settings& settings) {
  constexpr int bad_request = 400, forbidden = 403, no_method = 405, upgrade_required = 426;
  if (request.method() != "GET") return no_method;
  if (request.version() < 11) return bad_request;
  if (!request.has_token("Upgrade", "websocket")) return upgrade_required;
  if (!request.has_token("Connection", "upgrade")) return bad_request;
  if (list_of(request, "Sec-WebSocket-Version") != "13") return upgrade_required;
  if (!is_key(list_of(request, "Sec-WebSocket-Key"))) return bad_request;
  return is_origin_allowed(request, settings) ? 0 : forbidden;
}

void refuse(int status, http::Response& response) {
  if (status == 405) response.add("Allow", "GET");
  if (status == 426) response.add("Upgrade", "websocket").add("Sec-WebSocket-Version", "13");
  response.send(status);
}

// `requested` runs before the upgrade: if it throws, the client still gets a 500.
void answer(const std::shared_ptr<Service>& service, http::Request& request,
            http::Response& response) {
  const Settings& settings = service->settings;
  if (const int status = refusal_of(request, settings)) return refuse(status, response);
  std::optional<AcceptedOffer> offer;
  if (settings.deflate)
    offer = accept_offer(list_of(request, "Sec-WebSocket-Extensions"), *settings.deflate);
  std::string protocol = protocol_of(request, settings);

  response.add("Sec-WebSocket-Accept", accept_of(request.field("Sec-WebSocket-Key")));
  if (!protocol.empty()) response.add("Sec-WebSocket-Protocol", protocol);
  if (offer) response.add("Sec-WebSocket-Extensions", offer->answer);
  auto side = std::make_unique<ServerSide>(request.conn(), service);
  side->session.set_negotiated(offer ? std::optional(offer->terms) : std::nullopt,
                               std::move(protocol));
  side->session.requested(request);
  response.upgrade("websocket", std::move(side));
}

}  // namespace

http::RequestHandler endpoint(Handlers handlers, Settings settings) {
  check(settings);
  auto service = std::make_shared<Service>(Service{std::move(handlers), std::move(settings)});
  return [service = std::move(service)](http::Request& request, http::Response& response) {
    answer(service, request, response);
  };
}

Events server(Handlers handlers, Settings settings) {
  return http::server(endpoint(std::move(handlers), std::move(settings)));
}

}}}  // namespace evio::v0::websocket
