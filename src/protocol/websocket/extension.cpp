// Negotiates permessage-deflate.
#include "protocol/websocket/extension.hpp"

#include <algorithm>
#include <utility>

#include "protocol/websocket/beast_text.hpp"
#include "protocol/websocket/extension_list.hpp"

namespace evio { inline namespace v0 { namespace websocket {

namespace {

constexpr std::string_view name = "permessage-deflate";

// The parameters of one permessage-deflate in the list.
struct Parameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<int> server_max_window_bits{};
  std::optional<int> client_max_window_bits{};  // 0: the parameter has no value

  bool add(std::string_view key, std::string_view value);
};

// 8 to 15 without leading zeros (RFC 7692, section 7.1.2.1).
std::optional<int> window_bits(std::string_view value) {
  if (value.size() == 1 && (value[0] == '8' || value[0] == '9')) return value[0] - '0';
  if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5')
    return 10 + (value[1] - '0');
  return {};
}

// False: the parameter is unknown, occurs twice, or has an invalid value. Such an offer must be
// declined as a whole (section 7).
bool Parameters::add(std::string_view key, std::string_view value) {
  const auto flag = [&](bool& parameter) {
    return value.empty() && !std::exchange(parameter, true);
  };
  if (key == "server_no_context_takeover") return flag(server_no_context_takeover);
  if (key == "client_no_context_takeover") return flag(client_no_context_takeover);
  const bool server = key == "server_max_window_bits";
  if (!server && key != "client_max_window_bits") return false;
  std::optional<int>& parameter = server ? server_max_window_bits : client_max_window_bits;
  if (parameter) return false;
  parameter = value.empty() && !server ? 0 : window_bits(value);
  return parameter.has_value();
}

// nullopt: it is another extension, or its parameters are invalid.
std::optional<Parameters> parameters_of(const Extension& extension) {
  if (!iequals(extension.name, name)) return {};
  Parameters parameters;
  for (const auto& [key, value] : extension.parameters)
    if (!parameters.add(key, value)) return {};
  return parameters;
}

}  // namespace

std::optional<AcceptedOffer> accept_offer(std::string_view offers, const Deflate& settings) {
  for (const Extension& extension : extensions_of(offers)) {
    const std::optional<Parameters> offer = parameters_of(extension);
    if (!offer) continue;
    AcceptedOffer accepted{.terms = {}, .answer = std::string(name)};
    auto& [from_server, from_client] = accepted.terms;
    // The server may bound its own direction without being asked. The client's window it may bound
    // only if the client has sent client_max_window_bits (section 7.1.2.2).
    from_server.context_takeover = settings.context_takeover && !offer->server_no_context_takeover;
    from_client.context_takeover = settings.context_takeover && !offer->client_no_context_takeover;
    from_server.window_bits =
        std::min(offer->server_max_window_bits.value_or(15), settings.window_bits);
    if (offer->client_max_window_bits) {
      const int most = *offer->client_max_window_bits == 0 ? 15 : *offer->client_max_window_bits;
      from_client.window_bits = std::min(most, settings.window_bits);
    }
    if (!from_server.context_takeover) accepted.answer += "; server_no_context_takeover";
    if (!from_client.context_takeover) accepted.answer += "; client_no_context_takeover";
    if (from_server.window_bits < 15)
      accepted.answer += "; server_max_window_bits=" + std::to_string(from_server.window_bits);
    if (from_client.window_bits < 15)
      accepted.answer += "; client_max_window_bits=" + std::to_string(from_client.window_bits);
    return accepted;
  }
  return {};
}

// The preferred parameters first, then the same without a bound of the window, for servers that do
// not support the bound: they would decline the first.
std::string offer_of(const Deflate& settings) {
  std::string fallback(name);
  if (!settings.context_takeover)
    fallback += "; server_no_context_takeover; client_no_context_takeover";
  std::string offer = fallback;
  if (settings.window_bits < 15)
    offer += "; server_max_window_bits=" + std::to_string(settings.window_bits);
  return offer + "; client_max_window_bits, " + fallback;
}

std::optional<DeflateAgreement> agreement_of(std::string_view answer, const Deflate& offered) {
  const std::vector<Extension> extensions = extensions_of(answer);
  if (extensions.size() != 1) return {};  // only one was offered
  const std::optional<Parameters> parameters = parameters_of(extensions.front());
  if (!parameters || parameters->client_max_window_bits == 0) return {};
  if (!offered.context_takeover && !parameters->server_no_context_takeover) return {};
  DeflateAgreement terms;
  terms.from_server.context_takeover = !parameters->server_no_context_takeover;
  terms.from_client.context_takeover =
      offered.context_takeover && !parameters->client_no_context_takeover;
  terms.from_server.window_bits = parameters->server_max_window_bits.value_or(15);
  if (terms.from_server.window_bits > offered.window_bits && terms.from_server.window_bits < 15)
    return {};
  terms.from_client.window_bits =
      std::min(parameters->client_max_window_bits.value_or(15), offered.window_bits);
  return terms;
}

}}}  // namespace evio::v0::websocket
